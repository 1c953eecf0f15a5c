// What only real routing tables, devices and sysctls can show.
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "agent/kernel/sysctl.h"
#include "tests/contract/linux_worker.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::contract;
using Catch::Matchers::Contains;
using seed::cidr;
using seed::ip;

namespace {

constexpr const char* kPeerRoute = "10.0.0.0/24 via 172.18.0.4 dev eth0 \n";

std::string peer_route() {
  return shell("ip route show 10.0.0.0/24 table main");
}

std::string index_of(const std::string& device) {
  return shell("cat /sys/class/net/" + device + "/ifindex 2>/dev/null || ip -o link show " +
               device + " | cut -d: -f1");
}

// Drops CAP_NET_ADMIN from this thread until the end of the scope.
class Unprivileged {
 public:
  Unprivileged() { set(false); }
  ~Unprivileged() { set(true); }

 private:
  static void set(bool on) {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[2]{};
    syscall(SYS_capget, &header, data);
    const auto bit = 1U << CAP_NET_ADMIN;
    data[0].effective = on ? data[0].effective | bit : data[0].effective & ~bit;
    syscall(SYS_capset, &header, data);
  }
};

}  // namespace

TEST_CASE("a gateway route in main that is there as wanted becomes ours, silently") {
  const LinuxSite site;
  shell("ip route add 10.0.0.0/24 via 172.18.0.4 dev eth0");
  auto kernel = site.start_agent();
  CHECK(kernel->dump().routes.empty());
  require_pass(*kernel, worker_state(*kernel));
  require_quiet(*kernel, worker_state(*kernel));
  kernel = site.start_agent();
  require_pass(*kernel, {});
  CHECK(peer_route().empty());
}

TEST_CASE("a gateway route in main that goes elsewhere is refused and survives cleanup") {
  const LinuxSite site;
  shell("ip route add 10.0.0.0/24 via 172.18.0.99 dev eth0");
  const auto kernel = site.start_agent();
  const auto pass = reconcile(*kernel, worker_state(*kernel));
  REQUIRE(pass.refusals.size() == 1);
  CHECK(pass.refusals[0].error == EEXIST);
  CHECK(describe(pass.refusals[0].operation) == "add route 10.0.0.0/24 via 172.18.0.4 dev eth0");
  require_pass(*kernel, {});
  CHECK_THAT(peer_route(), Contains("via 172.18.0.99"));
}

TEST_CASE("a peer's new node address replaces the route in place, and is known after a restart") {
  const LinuxSite site;
  auto kernel = site.start_agent();
  auto inputs = worker_inputs(*kernel);
  require_pass(*kernel, compute(inputs).state);
  CHECK(peer_route() == kPeerRoute);
  inputs.nodes.at("worker2").internal_ipv4 = ip("172.18.0.44");
  require_pass(*kernel, compute(inputs).state);
  CHECK_THAT(peer_route(), Contains("via 172.18.0.44"));
  kernel = site.start_agent();
  require_quiet(*kernel, compute(inputs).state);
  require_pass(*kernel, {});
  CHECK(peer_route().empty());
  CHECK_FALSE(std::ifstream(site.state_dir() + "/ledger.json").good());
}

TEST_CASE("a route of ours that was deleted and made anew by others is theirs") {
  const LinuxSite site;
  const auto kernel = site.start_agent();
  auto inputs = worker_inputs(*kernel);
  require_pass(*kernel, compute(inputs).state);
  shell("ip route del 10.0.0.0/24 via 172.18.0.4");
  inputs.nodes.erase("worker2");
  require_pass(*kernel, compute(inputs).state);
  shell("ip route add 10.0.0.0/24 via 172.18.0.4");
  require_quiet(*kernel, compute(inputs).state);
  require_pass(*kernel, {});
  CHECK(peer_route() == kPeerRoute);
}

TEST_CASE("a device of our name that is no veth is refused and left") {
  const LinuxSite site;
  shell("ip link add cilium_host type dummy");
  const auto index = index_of("cilium_host");
  const auto kernel = site.start_agent();
  CHECK(kernel->dump().links.empty());
  KernelState desired;
  desired.links[{"cilium_host"}] = {"cilium_net", 1500, true, true};
  const auto pass = reconcile(*kernel, desired);
  REQUIRE(pass.refusals.size() == 1);
  CHECK(pass.refusals[0].error == EEXIST);
  require_pass(*kernel, {});
  CHECK(index_of("cilium_host") == index);
}

TEST_CASE(
    "the pair is repaired in place, MTU, flags and the peer's name, and nothing is made anew") {
  const LinuxSite site;
  const auto kernel = site.start_agent();
  const auto desired = worker_state(*kernel);
  require_pass(*kernel, desired);
  const auto indexes = index_of("cilium_host") + index_of("cilium_net");
  for (const char* damage : {"ip link set cilium_host mtu 1400", "ip link set cilium_net mtu 1400",
                             "ip link set cilium_net arp on", "ip link set cilium_net down",
                             "ip link set cilium_host down",
                             "ip link set cilium_net down && ip link set cilium_net name other0"}) {
    INFO(damage);
    shell(damage);
    CHECK_FALSE(plan(desired, kernel->dump()).empty());
    require_pass(*kernel, desired);
    require_pass(*kernel, desired);  // objects that depend on the device follow in the second pass
    require_quiet(*kernel, desired);
    CHECK(index_of("cilium_host") + index_of("cilium_net") == indexes);
  }
}

TEST_CASE("an address whose scope was changed is put right with the routes that use it") {
  const LinuxSite site;
  const auto kernel = site.start_agent();
  const auto desired = worker_state(*kernel);
  require_pass(*kernel, desired);
  shell("ip addr del 10.0.1.138/32 dev cilium_host && ip addr add 10.0.1.138/32 dev cilium_host");
  require_pass(*kernel, desired);
  require_quiet(*kernel, desired);
}

TEST_CASE(
    "sysctls go back to what they were, also by another process, also after a change by hand") {
  const LinuxSite site;
  write_sysctl("net/ipv4/conf/eth0/rp_filter", "2");
  write_sysctl("net/ipv4/conf/eth0/forwarding", "0");
  auto kernel = site.start_agent();
  const auto desired = worker_state(*kernel);
  require_pass(*kernel, desired);
  CHECK(read_sysctl("net/ipv4/conf/eth0/rp_filter") == "0");
  write_sysctl("net/ipv4/conf/eth0/rp_filter", "1");
  CHECK(plan(desired, kernel->dump()).size() == 1);
  require_pass(*kernel, desired);
  kernel = site.start_agent();
  require_pass(*kernel, {});
  CHECK(read_sysctl("net/ipv4/conf/eth0/rp_filter") == "2");
  CHECK(read_sysctl("net/ipv4/conf/eth0/forwarding") == "0");
}

TEST_CASE("a renamed device gets back what it had, and another with its old name keeps its own") {
  const LinuxSite site;
  write_sysctl("net/ipv4/conf/eth0/rp_filter", "2");
  write_sysctl("net/ipv4/conf/eth0/forwarding", "0");
  auto kernel = site.start_agent();
  require_pass(*kernel, worker_state(*kernel));
  shell("ip link set eth0 down && ip link set eth0 name wan0 && ip link set wan0 up");
  shell("ip link add eth0 type dummy");
  write_sysctl("net/ipv4/conf/eth0/rp_filter", "1");
  const bool seen = GENERATE(true, false);
  CAPTURE(seen);
  if (seen) {
    require_pass(*kernel, worker_state(*kernel));
    CHECK(read_sysctl("net/ipv4/conf/wan0/rp_filter") == "0");
  }
  kernel = site.start_agent();
  require_pass(*kernel, {});
  CHECK(read_sysctl("net/ipv4/conf/wan0/rp_filter") == "2");
  CHECK(read_sysctl("net/ipv4/conf/wan0/forwarding") == "0");
  CHECK(read_sysctl("net/ipv4/conf/eth0/rp_filter") == "1");
  CHECK_FALSE(std::filesystem::exists(site.state_dir() + "/ledger.json"));
}

TEST_CASE("a damaged ledger does not stop the agent, which takes its routes over again") {
  const LinuxSite site;
  auto kernel = site.start_agent();
  const auto desired = worker_state(*kernel);
  require_pass(*kernel, desired);
  std::ofstream(site.state_dir() + "/ledger.json") << "{\"sysctls\": {";
  kernel = site.start_agent();
  REQUIRE(kernel->ledger_problem());
  require_pass(*kernel, desired);
  require_quiet(*kernel, desired);
  require_pass(*kernel, {});
  CHECK(peer_route().empty());
}

TEST_CASE("the host's facts: addresses of devices that are not ours, pods, the router") {
  const LinuxSite site;
  shell("ip link set eth0 mtu 1400");
  shell("ip link add dummy1 type dummy && ip addr add 192.0.2.1/24 dev dummy1");
  shell(
      "ip addr add 192.0.2.65/32 dev dummy1 && ip addr add 192.0.2.129/25 noprefixroute dev "
      "dummy1");
  shell("ip addr add 198.51.100.1 peer 198.51.100.2/32 dev dummy1");
  shell("ip link add lxcbbb type veth peer name b0 && ip addr add 10.0.1.5/32 dev lxcbbb");
  shell("ip link add lxcaaa type veth peer name a0 && ip link add lxcnot type dummy");
  const auto kernel = site.start_agent();
  auto facts = kernel->facts();
  CHECK(facts.uplinks ==
        std::map<IpAddress, HostFacts::Uplink>{
            {ip("172.18.0.3"), {"eth0", 1400, true, cidr("172.18.0.0/16")}},
            {ip("192.0.2.1"), {"dummy1", 1500, true, cidr("192.0.2.0/24")}},
            {ip("192.0.2.65"), {"dummy1", 1500, true, std::nullopt}},
            {ip("192.0.2.129"), {"dummy1", 1500, true, std::nullopt}},
            {ip("198.51.100.1"), {"dummy1", 1500, true, cidr("198.51.100.2/32")}}});
  CHECK(facts.pod_devices == std::vector<std::string>{"lxcaaa", "lxcbbb"});
  CHECK_FALSE(facts.router_ipv4);
  CHECK(facts.program_tags.contains("pell_lxc_in"));
  shell("ip link add cilium_host type veth peer name cilium_net");
  shell("ip addr add 10.0.1.138/32 dev cilium_host");
  CHECK(kernel->facts().router_ipv4 == ip("10.0.1.138"));
}

TEST_CASE("without CAP_NET_ADMIN there is one sentence that says so") {
  const LinuxSite site;
  const auto kernel = site.start_agent();
  const Unprivileged unprivileged;
  REQUIRE_THROWS_WITH(kernel->dump(), Contains("CAP_NET_ADMIN"));
}

}  // namespace this_file
