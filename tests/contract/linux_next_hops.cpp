// Next hops to other hosts as the kernel answers them, and routes that use them.
#include "tests/contract/linux_worker.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::contract;
using Catch::Matchers::Contains;
using seed::cidr;
using seed::ip;

namespace {

NextHop asked(Kernel& kernel, const char* destination, const char* source = nullptr) {
  const auto from = source ? std::optional(ip(source)) : std::nullopt;
  const auto hops = kernel.next_hops({{ip(destination), from}});
  REQUIRE(hops.size() == 1);
  return hops.at(ip(destination));
}

NextHop by(const char* device, const char* gateway = nullptr, bool onlink = false) {
  return {.device = device,
          .gateway = gateway ? std::optional(ip(gateway)) : std::nullopt,
          .onlink = onlink,
          .mtu = 1500};
}

// worker2 in another subnet, with the kernel's next hop to it.
Inputs distant_peer(Kernel& kernel, const char* address = "172.19.0.4") {
  auto inputs = worker_inputs(kernel);
  inputs.nodes.at("worker2").internal_ipv4 = ip(address);
  inputs.next_hops = kernel.next_hops(
      {{ip(address),
        inputs.host.uplinks.empty() ? std::nullopt : std::optional(ip("172.18.0.3"))}});
  return inputs;
}

std::string peer_route() {
  return shell("ip route show 10.0.0.0/24 table main");
}

}  // namespace

TEST_CASE("next hops: on the link, by a gateway, by the longest of the prefixes") {
  const LinuxSite site;
  const auto kernel = site.start_agent();
  CHECK(asked(*kernel, "172.18.0.4", "172.18.0.3") == by("eth0"));
  CHECK(asked(*kernel, "172.19.0.4").device.empty());
  CHECK_THAT(asked(*kernel, "172.19.0.4").obstacle, Contains("Network is unreachable"));
  shell("ip route add default via 172.18.0.1");
  CHECK(asked(*kernel, "172.19.0.4", "172.18.0.3") == by("eth0", "172.18.0.1"));
  shell("ip route add 172.19.0.0/16 via 172.18.0.9 && ip route add 172.19.0.4/32 dev eth0");
  CHECK(asked(*kernel, "172.19.0.5") == by("eth0", "172.18.0.9"));
  CHECK(asked(*kernel, "172.19.0.4") == by("eth0"));
  CHECK(kernel->next_hops({}).empty());
}

TEST_CASE("next hops: onlink where nothing but the flag leads to the gateway") {
  const LinuxSite site;
  const auto kernel = site.start_agent();
  shell("ip addr flush dev eth0 && ip addr add 172.18.0.3/32 dev eth0");
  shell("ip route add default via 172.31.1.1 dev eth0 onlink");
  CHECK(asked(*kernel, "172.18.0.4", "172.18.0.3") == by("eth0", "172.31.1.1", true));
  shell("ip route add 172.31.1.1 dev eth0");  // as cloud-init writes it
  CHECK(asked(*kernel, "172.18.0.4", "172.18.0.3") == by("eth0", "172.31.1.1"));
}

TEST_CASE("next hops: what routes forbid, what is this host's own, and a source that has gone") {
  const LinuxSite site;
  const auto kernel = site.start_agent();
  shell("ip route add default via 172.18.0.1");
  for (const char* type : {"unreachable", "prohibit", "blackhole"}) {
    INFO(type);
    shell(std::string("ip route add ") + type + " 172.20.0.0/16");
    const auto hop = asked(*kernel, "172.20.0.4");
    CHECK(hop.device.empty());
    CHECK_FALSE(hop.obstacle.empty());
    shell("ip route del 172.20.0.0/16");
  }
  CHECK(asked(*kernel, "172.18.0.3").device.empty());
  CHECK_THAT(asked(*kernel, "172.18.0.3").obstacle, Contains("no other host's"));
  CHECK(asked(*kernel, "172.19.0.4", "192.0.2.77").device.empty());
}

TEST_CASE("next hops: rules, equal ways and next hop objects are the kernel's to judge") {
  const LinuxSite site;
  const auto kernel = site.start_agent();
  shell("ip link add eth1 type dummy && ip link set eth1 up && ip addr add 192.0.2.3/24 dev eth1");
  shell("ip route add 172.19.0.0/16 nexthop via 172.18.0.1 nexthop via 192.0.2.1");
  const auto one = asked(*kernel, "172.19.0.4", "172.18.0.3");
  CHECK((one == by("eth0", "172.18.0.1") || one == by("eth1", "192.0.2.1")));
  CHECK(asked(*kernel, "172.19.0.4", "172.18.0.3") == one);  // the choice is stable

  shell("ip nexthop add id 7 via 172.18.0.7 dev eth0 && ip route add 172.21.0.0/16 nhid 7");
  CHECK(asked(*kernel, "172.21.0.4") == by("eth0", "172.18.0.7"));

  // As tailscaled does: its own table, behind a rule that marked packets do not match.
  shell("ip route add 100.64.0.4 dev eth1 table 52 && ip rule add pref 5270 lookup 52");
  CHECK(asked(*kernel, "100.64.0.4") == by("eth1"));
  shell("ip route add 172.22.0.0/16 via 192.0.2.9 table 77");
  shell("ip rule add pref 10 fwmark 0xe00/0xf00 lookup 77");
  CHECK(asked(*kernel, "172.22.0.4").device.empty());
}

TEST_CASE("next hops: IPv6, and an IPv4 destination behind an IPv6 gateway") {
  const LinuxSite site;
  const auto kernel = site.start_agent();
  shell("ip addr add fd00:172::3/64 dev eth0 nodad");
  CHECK(asked(*kernel, "fd00:172::4", "fd00:172::3") == by("eth0"));
  CHECK(asked(*kernel, "fd00:173::4").device.empty());
  shell("ip -6 route add default via fd00:172::1 dev eth0");
  CHECK(asked(*kernel, "fd00:173::4", "fd00:172::3") == by("eth0", "fd00:172::1"));
  shell("ip -6 route replace default via fe80::1 dev eth0");
  CHECK(asked(*kernel, "fd00:173::4", "fd00:172::3") == by("eth0", "fe80::1"));
  shell("ip -6 route replace default via fd00:99::1 dev eth0 onlink");
  CHECK(asked(*kernel, "fd00:173::4", "fd00:172::3") == by("eth0", "fd00:99::1", true));
  shell("ip -6 route add unreachable fd00:174::/64");
  CHECK(asked(*kernel, "fd00:174::4").device.empty());

  // Unnumbered BGP: RFC 5549.
  shell("ip route add 172.19.0.4/32 via inet6 fe80::1 dev eth0");
  CHECK(asked(*kernel, "172.19.0.4") == by("eth0", "fe80::1"));
}

TEST_CASE(
    "next hops: the route to a peer's pods takes the way, is known after a restart, and goes") {
  const char* const kWays[] = {
      "ip route add default via 172.18.0.1",
      "ip route add default via 172.31.1.1 dev eth0 onlink",
      "ip route add 172.19.0.4/32 via inet6 fe80::1 dev eth0",
      "ip route add 172.19.0.4/32 dev eth0",
  };
  for (const char* way : kWays) {
    INFO(way);
    const LinuxSite site;
    shell(way);
    const auto before = site.listing();
    auto kernel = site.start_agent();
    const auto hop = asked(*kernel, "172.19.0.4", "172.18.0.3");
    const auto desired = compute(distant_peer(*kernel));
    REQUIRE(desired.problems.empty());
    require_pass(*kernel, desired.state);
    require_quiet(*kernel, desired.state);
    CHECK_FALSE(peer_route().empty());
    CHECK((peer_route().find("onlink") != std::string::npos) == hop.onlink);
    kernel = site.start_agent();
    require_quiet(*kernel, desired.state);
    require_pass(*kernel, {});
    CHECK(peer_route().empty());
    CHECK(site.listing() == before);
  }
}

TEST_CASE("next hops: the route follows another gateway in place") {
  const LinuxSite site;
  const auto kernel = site.start_agent();
  shell("ip route add default via 172.18.0.1");
  require_pass(*kernel, compute(distant_peer(*kernel)).state);
  shell("ip route replace default via 172.31.1.1 dev eth0 onlink");
  const auto desired = compute(distant_peer(*kernel)).state;
  const auto changes = plan(desired, kernel->dump());
  REQUIRE(changes.size() == 1);
  CHECK(describe(changes.front()) == "replace route 10.0.0.0/24 via 172.31.1.1 dev eth0 onlink");
  require_pass(*kernel, desired);
  require_quiet(*kernel, desired);
  shell("ip route del default");
  require_pass(*kernel, compute(distant_peer(*kernel)).state);
  CHECK(peer_route().empty());
}

}  // namespace this_file
