// The next hop to a peer's pods, derived from the kernel's route to the peer's node.
#include "agent/desired/next_hops.h"

#include "agent/desired/peer_change.h"
#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"

namespace this_file {

using namespace pellicle;
using Catch::Matchers::Contains;
using seed::cidr;
using seed::ip;

namespace {

constexpr uint32_t kMain = 254;

// The seed's worker, with worker2 in another subnet.
Inputs with_distant_peer(const char* address = "172.19.0.4") {
  auto inputs = seed::worker();
  inputs.host.uplinks.at(ip("172.18.0.3")).connected = cidr("172.18.0.0/16");
  inputs.nodes["worker2"].internal_ipv4 = ip(address);
  return inputs;
}

NextHop by(const char* device, const char* gateway = nullptr, bool onlink = false) {
  return {.device = device,
          .gateway = gateway ? std::optional(ip(gateway)) : std::nullopt,
          .onlink = onlink};
}

struct Row {
  const char* name;
  std::optional<NextHop> answer;  // nullopt: not asked, the address is on the uplink's link
  const char* route;              // as describe() prints it; empty: no route
  const char* problem;            // a part of it; empty: no problem
};

const std::vector<Row> kRows = {
    {"on the uplink's link, without a question", std::nullopt,
     "route 10.0.0.0/24 via 172.19.0.4 dev eth0", ""},
    {"on the uplink's link, by a route of its own", by("eth0"),
     "route 10.0.0.0/24 via 172.19.0.4 dev eth0", ""},
    {"by a gateway", by("eth0", "172.18.0.1"), "route 10.0.0.0/24 via 172.18.0.1 dev eth0", ""},
    {"by a gateway that no route leads to", by("eth0", "172.31.1.1", true),
     "route 10.0.0.0/24 via 172.31.1.1 dev eth0 onlink", ""},
    {"by an IPv6 gateway", by("eth0", "fe80::1"), "route 10.0.0.0/24 via fe80::1 dev eth0", ""},
    {"on another device's link", by("eth1"), "route 10.0.0.0/24 via 172.19.0.4 dev eth1", ""},
    {"by a gateway on another device", by("eth1", "192.0.2.1"),
     "route 10.0.0.0/24 via 192.0.2.1 dev eth1", ""},
    {"not at all", NextHop{.device = {}, .gateway = {}, .obstacle = "Network is unreachable"}, "",
     "this node has no route to 172.19.0.4 (Network is unreachable)"},
};

std::string route_to_worker2(const Desired& desired) {
  const Route::Key key{kMain, cidr("10.0.0.0/24")};
  const auto found = desired.state.routes.find(key);
  return found == desired.state.routes.end() ? "" : describe(key, found->second);
}

}  // namespace

TEST_CASE("next hop: the route to a peer's pods is the way that this node has to the peer") {
  for (const auto& row : kRows) {
    INFO(row.name);
    auto inputs = with_distant_peer();
    if (row.answer) inputs.next_hops[ip("172.19.0.4")] = *row.answer;
    const auto desired = compute(inputs);
    CHECK(route_to_worker2(desired) == row.route);
    const bool told = std::string(row.problem).empty();
    REQUIRE(desired.problems.size() == (told ? 0 : 1));
    if (told) continue;
    CHECK(desired.problems.front().object == "Node worker2");
    CHECK(desired.problems.front().field == kRouteField);
    CHECK_THAT(desired.problems.front().sentence, Contains(row.problem));
  }
}

TEST_CASE("next hop: only the peer's route in main depends on it, no route of another peer") {
  auto inputs = with_distant_peer();
  inputs.next_hops[ip("172.19.0.4")] = by("eth0", "172.18.0.1");
  const auto routed = compute(inputs).state;
  inputs.next_hops.clear();
  auto direct = compute(inputs).state;
  direct.routes.at({kMain, cidr("10.0.0.0/24")}).gateway = ip("172.18.0.1");
  CHECK(routed == direct);
}

TEST_CASE("next hop: each device that a peer is reached by gets what the uplink has") {
  auto inputs = with_distant_peer();
  inputs.next_hops[ip("172.19.0.4")] = by("eth0", "172.18.0.1");
  const auto by_one = compute(inputs).state;
  inputs.host.program_tags["pell_l3_in"] = inputs.host.program_tags["pell_l3_out"] = "0a";
  for (const bool ethernet : {true, false}) {
    CAPTURE(ethernet);
    auto hop = by("eth1");
    hop.ethernet = ethernet;
    inputs.next_hops[ip("172.19.0.4")] = hop;
    auto expected = by_one;
    const auto program = [&](const std::string& name) {
      return Attachment{.program = name, .tag = inputs.host.program_tags.at(name)};
    };
    expected.attachments[{"eth1", true}] = program(ethernet ? "pell_uplink_in" : "pell_l3_in");
    expected.auditors[{"eth1", false}] = program(ethernet ? "pell_uplink_out" : "pell_l3_out");
    for (const std::string name : {"rp_filter", "disable_xfrm", "forwarding"}) {
      expected.sysctls[{"net/ipv4/conf/eth1/" + name}] =
          expected.sysctls.at({"net/ipv4/conf/eth0/" + name});
    }
    auto& route = expected.routes.at({kMain, cidr("10.0.0.0/24")});
    route.dev = "eth1";
    route.gateway = ip("172.19.0.4");
    CHECK(compute(inputs).state == expected);
  }
}

TEST_CASE("next hop: an IPv6 peer has a way of its own") {
  auto inputs = with_distant_peer();
  const auto give = [&](const char* name, const char* pods, const char* address,
                        const char* router) {
    auto& node = inputs.nodes[name];
    node.pod_cidrs.push_back(cidr(pods));
    node.internal_ipv6 = ip(address);
    node.router_ipv6 = ip(router);
  };
  give("worker", "fd00:10:1::/64", "fd00:172::3", "fd00:10:1::8a");
  give("worker2", "fd00:10::/64", "fd00:173::4", "fd00:10::28");
  inputs.host.uplinks[ip("fd00:172::3")] = {
      .name = "eth0", .mtu = 1500, .connected = cidr("fd00:172::/64")};
  CHECK(next_hop_questions(inputs) ==
        std::vector<NextHopQuestion>{{ip("172.19.0.4"), ip("172.18.0.3")},
                                     {ip("fd00:173::4"), ip("fd00:172::3")}});
  inputs.next_hops[ip("172.19.0.4")] = by("eth0", "172.18.0.1");
  inputs.next_hops[ip("fd00:173::4")] = by("eth0", "fd00:172::1", true);
  const auto routes = compute(inputs).state.routes;
  CHECK(routes.at({kMain, cidr("fd00:10::/64")}) ==
        Route{.dev = "eth0", .gateway = ip("fd00:172::1"), .onlink = true});
  CHECK(routes.at({kMain, cidr("10.0.0.0/24")}).gateway == ip("172.18.0.1"));
}

TEST_CASE("next hop: only what is outside the uplink's networks is asked for") {
  auto inputs = with_distant_peer();
  CHECK(next_hop_questions(inputs) ==
        std::vector<NextHopQuestion>{{ip("172.19.0.4"), ip("172.18.0.3")}});
  CHECK(next_hop_questions(inputs, inputs.nodes["control-plane"]).empty());
  CHECK(next_hop_questions(inputs, inputs.nodes["worker2"]).size() == 1);

  inputs.host.uplinks[ip("172.19.0.3")] = {
      .name = "eth1", .mtu = 1500, .connected = cidr("172.19.0.0/16")};
  CHECK(next_hop_questions(inputs).size() == 1);  // on a link, but not on the uplink's
  inputs.host.uplinks.at(ip("172.19.0.3")).name = "eth0";
  CHECK(next_hop_questions(inputs).empty());

  inputs.host.uplinks.clear();
  inputs.host.uplinks[ip("172.18.0.3")] = {.name = "eth0", .mtu = 1500};  // a /32
  CHECK(next_hop_questions(inputs).size() == 2);
  inputs.settings.uplink = "eth0";
  inputs.nodes["worker"].internal_ipv4 = ip("192.0.2.3");  // on no device: cannot be the source
  CHECK(next_hop_questions(inputs).front().source == std::nullopt);
  inputs.nodes.erase("worker");
  CHECK(next_hop_questions(inputs).empty());
}

TEST_CASE("next hop: where others make the routes none is made or missed") {
  auto inputs = with_distant_peer();
  inputs.next_hops[ip("172.19.0.4")] = by("eth1");
  const auto with = compute(inputs);
  inputs.settings.direct_routes = false;
  CHECK(next_hop_questions(inputs).size() == 1);  // for its device
  const auto without = compute(inputs);
  CHECK(without.problems.empty());
  auto expected = with.state;
  for (const char* pods : {"10.0.0.0/24", "10.0.2.0/24"}) {
    REQUIRE(expected.routes.erase({kMain, cidr(pods)}) == 1);
  }
  CHECK(without.state == expected);
  for (const auto& peer : without.cluster.peers) CHECK(peer.next_hop == std::nullopt);
}

TEST_CASE("next hop: what must be true of the network is said of a peer behind a gateway alone") {
  auto inputs = with_distant_peer();
  inputs.next_hops[ip("172.19.0.4")] = by("eth0", "172.18.0.1");
  const auto found = cluster(inputs);
  REQUIRE(found.peers.size() == 2);
  CHECK(expected_of_network(found.peers[0]) == std::nullopt);
  CHECK(expected_of_network(found.peers[1]) == "172.18.0.1 must route 10.0.0.0/24 to 172.19.0.4");
}

TEST_CASE("next hop: a peer that changes takes the way that was asked for, no other does") {
  auto last = with_distant_peer("172.18.0.4");
  const auto desired = compute(last);
  last.next_hops[ip("172.19.0.4")] = by("eth0", "172.18.0.1");
  auto moved = last.nodes["worker2"];
  moved.internal_ipv4 = ip("172.19.0.4");
  const auto change = peer_change(last, desired, "worker2", moved);
  REQUIRE(change);
  CHECK(route_to_worker2(change->before) == "route 10.0.0.0/24 via 172.18.0.4 dev eth0");
  CHECK(route_to_worker2(change->after) == "route 10.0.0.0/24 via 172.18.0.1 dev eth0");
}

}  // namespace this_file
