// Dual stack, and IPv6 alone, on a real kernel.
#include "agent/kernel/netns.h"
#include "agent/kernel/sysctl.h"
#include "tests/contract/linux_worker.h"
#include "tests/contract/pods_router.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::contract;

namespace {

using seed::cidr;
using seed::ip;

void give_ipv6(Node& node, const char* pod_cidr, const char* internal_ip, const char* router) {
  node.pod_cidrs.push_back(cidr(pod_cidr));
  node.internal_ipv6 = ip(internal_ip);
  node.router_ipv6 = ip(router);
}

KernelState dual_state(Kernel& kernel, bool ipv4) {
  auto inputs = worker_inputs(kernel);
  give_ipv6(inputs.nodes["control-plane"], "fd00:10:2::/64", "fd00:172::2", "fd00:10:2::34");
  give_ipv6(inputs.nodes["worker"], "fd00:10:1::/64", "fd00:172::3", "fd00:10:1::8a");
  give_ipv6(inputs.nodes["worker2"], "fd00:10::/64", "fd00:172::4", "fd00:10::28");
  if (!ipv4) {
    for (auto& [name, node] : inputs.nodes) {
      node.pod_cidrs.erase(node.pod_cidrs.begin());
      node.internal_ipv4.reset();
      node.router_ipv4.reset();
    }
  }
  const auto desired = compute(inputs);
  for (const auto& problem : desired.problems) FAIL(problem.to_string());
  return desired.state;
}

void give_address() {
  shell("ip addr add fd00:172::3/64 dev eth0 nodad");
}

std::string text_of(const std::string& command) {
  return shell(command + " | sed 's/ *$//'");
}

std::string sysctl(const std::string& path) {
  return read_sysctl("net/ipv6/conf/" + path).value_or("none");
}

}  // namespace

TEST_CASE("ipv6: what is applied is dumped, and the next agent has nothing to do") {
  const LinuxSite site;
  give_address();
  const bool ipv4 = GENERATE(true, false);
  auto kernel = site.start_agent();
  require_pass(*kernel, dual_state(*kernel, ipv4));
  require_quiet(*kernel, dual_state(*kernel, ipv4));
  kernel.reset();
  const auto next = site.start_agent();
  require_quiet(*next, dual_state(*next, ipv4));
}

TEST_CASE("ipv6: rules, routes and the address are what ip shows") {
  const LinuxSite site;
  give_address();
  const auto kernel = site.start_agent();
  require_pass(*kernel, dual_state(*kernel, true));
  CHECK(text_of("ip -6 rule") ==
        "1:\tfrom all fwmark 0xd00/0xf00 lookup 200\n"
        "1:\tfrom all fwmark 0xe00/0xf00 lookup 200\n"
        "2:\tfrom fd00:10:1::8a ipproto esp lookup main\n"
        "3:\tfrom fd00:10:1::/64 lookup 214\n"
        "100:\tfrom all lookup local\n"
        "101:\tfrom all iif lo ipproto ipv6-icmp lookup 214\n"
        "32766:\tfrom all lookup main\n");
  CHECK(text_of("ip -6 route show table 200") ==
        "fd00:10::/64 dev cilium_host metric 1024 mtu 1500 pref medium\n"
        "local fd00:10:1::/64 dev eth0 proto 50 metric 1024 pref medium\n"
        "fd00:10:2::/64 dev cilium_host metric 1024 mtu 1500 pref medium\n");
  CHECK(text_of("ip -6 route show table main | grep fd00:10") ==
        "fd00:10::/64 via fd00:172::4 dev eth0 metric 1024 pref medium\n"
        "fd00:10:1::8a dev cilium_host metric 1024 pref medium\n"
        "fd00:10:1::/64 dev cilium_host src fd00:10:1::8a metric 1024 pref medium\n"
        "fd00:10:2::/64 via fd00:172::2 dev eth0 metric 1024 pref medium\n");
  CHECK(text_of("ip -6 -o addr show dev cilium_host scope global").find("fd00:10:1::8a/128") !=
        std::string::npos);
  CHECK(text_of("ip -6 addr show dev cilium_host tentative").empty());
  CHECK(kernel->facts().router_ipv6 == ip("fd00:10:1::8a"));
}

TEST_CASE("ipv6: what somebody takes away comes back, cleanup leaves nothing") {
  const LinuxSite site;
  give_address();
  const auto before = text_of("ip -6 rule; ip -6 route show table all | grep -v cilium");
  const auto kernel = site.start_agent();
  const auto desired = dual_state(*kernel, true);
  require_pass(*kernel, desired);
  for (const char* damage :
       {"ip -6 route flush table 200", "ip -6 rule flush && ip -6 rule add pref 32766 lookup main",
        "ip -6 rule del pref 1", "ip -6 rule add pref 0 lookup local",
        "ip -6 addr flush dev cilium_host", "ip -6 route del fd00:10::/64 dev eth0",
        "ip xfrm policy flush", "ip xfrm state flush", "ip link set cilium_host down",
        "ip6tables-legacy -t raw -F", "sysctl -qw net.ipv6.conf.all.forwarding=0"}) {
    INFO(damage);
    shell(damage);
    require_pass(*kernel, desired);
    require_quiet(*kernel, desired);
  }
  require_pass(*kernel, {});
  CHECK(kernel->dump() == KernelState{});
  CHECK(text_of("ip -6 rule; ip -6 route show table all | grep -v cilium") == before);
  CHECK(text_of("ip xfrm policy; ip xfrm state").empty());
}

TEST_CASE("ipv6: the node's own default route outlives forwarding, and settings come back") {
  const LinuxSite site;
  give_address();
  write_sysctl("net/ipv6/conf/eth0/accept_ra", "1");
  const auto kernel = site.start_agent();
  CHECK(kernel->facts().uplinks.at(ip("fd00:172::3")).accepts_ra);
  require_pass(*kernel, dual_state(*kernel, true));
  CHECK(sysctl("eth0/accept_ra") == "2");
  CHECK(sysctl("eth0/forwarding") == "1");
  CHECK(sysctl("all/forwarding") == "1");
  require_quiet(*kernel, dual_state(*kernel, true));
  require_pass(*kernel, {});
  CHECK(sysctl("eth0/accept_ra") == "1");
  CHECK(sysctl("eth0/forwarding") == "0");
  CHECK(sysctl("all/forwarding") == "0");
}

TEST_CASE("ipv6: another device's advertised default route outlives forwarding and is renewed") {
  const LinuxSite site;
  give_address();
  NamedNamespace router("router");
  shell("ip link add eth1 type veth peer name wan netns router && ip link set eth1 up");
  write_sysctl("net/ipv6/conf/eth1/accept_ra", "1");
  router.shell("ip link set wan up");
  shell(until_link_local("eth1"));
  router.shell(until_link_local("wan"));
  const int wan = std::stoi(router.shell("ip -o link show dev wan"));
  const auto advertised = [&] {
    Netns(router.path()).run([&] { advertise(wan); });
    return shell_status(
               "timeout 5 sh -c 'until ip -6 route show default dev eth1 | grep -q "
               "\"proto ra\"; do sleep 0.1; done'") == 0;
  };
  const auto default_route = [] { return shell("ip -6 route show default dev eth1"); };
  REQUIRE(advertised());
  const bool addressed = shell("ip -6 addr show dev eth1").find("fd77::") != std::string::npos;
  CHECK(addressed);

  const auto kernel = site.start_agent();
  CHECK(kernel->facts().advertised == std::set<std::string>{"eth1"});
  require_pass(*kernel, dual_state(*kernel, true));
  CHECK_THAT(default_route(), Catch::Contains("proto ra"));
  CHECK(sysctl("eth1/accept_ra") == "2");
  CHECK(sysctl("eth0/accept_ra") == "2");
  // Also while no advertised route is left: the router's next advertisement must be accepted.
  shell("ip -6 route flush dev eth1 proto ra && ip -6 addr flush dev eth1 scope global");
  require_quiet(*kernel, dual_state(*kernel, true));
  CHECK(advertised());
  require_pass(*kernel, {});
  CHECK(sysctl("eth1/accept_ra") == "1");
}

}  // namespace this_file
