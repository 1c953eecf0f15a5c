// Nodes on different links: a router between them routes the pods' networks, like a cloud's route
// table or a BGP fabric.
#include <algorithm>

#include "tests/datapath/router.h"
#include "tests/harness/catch.h"
#include "tests/harness/lab/traffic.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;
using Catch::Matchers::Contains;

namespace {

constexpr uint8_t kEsp = 50;

// Addresses without a network, as on GCP and Hetzner: a node reaches everything through its
// gateway.
void take_networks_away(const std::string& node, const std::string& last) {
  must_in(node, "ip addr flush dev eth0 scope global; ip addr add 172.18.0." + last +
                    "/32 dev eth0; " + "ip addr add fd00:172::" + last + "/128 dev eth0 nodad; " +
                    "ip route add default via 172.18.0.1 dev eth0 onlink; " +
                    "ip -6 route replace default via fd00:172::1 dev eth0 onlink");
}

void check_pods_reach_each_other(Lab& lab) {
  CHECK(lab.ping("net", "10.0.0.249", 2).ok());
  CHECK(lab.ping("net", "fd00:10::f9", 2).ok());
  CHECK(lab.ping("cni-fcnh6", "10.0.1.52", 2).ok());
  CHECK(lab.ping("cni-fcnh6", "fd00:10:1::34", 2).ok());
  CHECK(lab.http_get("net", http_url("10.0.0.249")).ok());
  CHECK(lab.cleartext().empty());
  for (const auto family : kFamilies) {
    const auto wire = lab.network().wire();
    CHECK(std::any_of(wire.begin(), wire.end(), [&](const Packet& packet) {
      return packet.protocol == kEsp && packet.src.family() == family;
    }));
  }
}

// No problem is reported, and the other node also answers through ESP.
void check_well(Lab& lab) {
  for (const char* node : {"worker", "worker2"}) {
    CAPTURE(node, lab.agent(node).says());
    CHECK(wait_until(
        [&] { return lab.agent(node).says().find("Cluster health: 1/1") != std::string::npos; },
        20s));
    CHECK(lab.agent(node).ctl("status").ok());
    CHECK(lab.agent(node).ask("diff")["operations"].empty());
  }
}

std::string route_to(const std::string& node, const std::string& pod_cidr) {
  const bool ipv6 = pod_cidr.find(':') != std::string::npos;
  return must_in(node, std::string("ip ") + (ipv6 ? "-6" : "-4") + " route show " + pod_cidr);
}

}  // namespace

TEST_CASE("topology: a node in another subnet is reached by the gateway that leads there") {
  Lab lab(two_nodes());
  move_to_another_subnet(lab);
  lab.start_agents();
  add_pods(lab);
  check_pods_reach_each_other(lab);
  check_well(lab);
  CHECK(route_to("worker", "10.0.0.0/24") == "10.0.0.0/24 via 172.18.0.1 dev eth0 \n");
  CHECK_THAT(route_to("worker", "fd00:10::/64"), Contains("via fd00:172::1 dev eth0"));
  CHECK(route_to("worker2", "10.0.1.0/24") == "10.0.1.0/24 via 172.19.0.1 dev eth0 \n");
  const auto says = lab.agent("worker").says();
  CHECK_THAT(says, Contains("via 172.18.0.1 10.0.0.40 routed"));
  CHECK_THAT(says, Contains("172.18.0.1 must route 10.0.0.0/24 to 172.19.0.4"));
  CHECK_THAT(says, Contains("fd00:172::1 must route fd00:10::/64 to fd00:173::4"));

  INFO("a router that does not know the pods is named");
  must("ip route del 10.0.0.0/24");
  CHECK(wait_until(
      [&] {
        return lab.agent("worker").says().find(
                   "knows of no cause on itself: 172.18.0.1 must route 10.0.0.0/24") !=
               std::string::npos;
      },
      30s));
  must("ip route add 10.0.0.0/24 via 172.19.0.4");
  check_well(lab);
}

TEST_CASE("topology: addresses without a network, behind a gateway that needs onlink") {
  Lab lab(two_nodes());
  make_router();
  take_networks_away("worker", "3");
  take_networks_away("worker2", "4");
  lab.start_agents();
  add_pods(lab);
  check_pods_reach_each_other(lab);
  check_well(lab);
  CHECK(route_to("worker", "10.0.0.0/24") == "10.0.0.0/24 via 172.18.0.1 dev eth0 onlink \n");
  CHECK_THAT(route_to("worker", "fd00:10::/64"),
             Contains("via fd00:172::1 dev eth0") && Contains("onlink"));

  INFO("an agent that is killed and started again knows its routes and loses no packet");
  PingStream ping("net", "10.0.0.249");
  REQUIRE(ping.goes_on());
  lab.agent("worker").kill();
  lab.start_agent("worker");
  CHECK(lab.agent("worker").ask("diff")["operations"].empty());

  INFO("another gateway");
  must("ip addr add 172.18.0.254/16 dev kind");
  must_in("worker", "ip route replace default via 172.18.0.254 dev eth0 onlink proto dhcp");
  const auto followed = [&] {
    return route_to("worker", "10.0.0.0/24") == "10.0.0.0/24 via 172.18.0.254 dev eth0 onlink \n";
  };
  CHECK(wait_until(followed, 5s));
  REQUIRE(ping.goes_on());
  CHECK(ping.end() == "");
  check_well(lab);
  CHECK(lab.cleartext().empty());

  INFO("nothing is left");
  lab.agent("worker").stop();
  CHECK(lab.agent("worker").cleanup().ok());
  CHECK(route_to("worker", "10.0.0.0/24").empty());
  CHECK(route_to("worker", "fd00:10::/64").empty());
  CHECK(must_in("worker", "ip route") == "default via 172.18.0.254 dev eth0 proto dhcp onlink \n");
}

TEST_CASE("topology: nodes that are known by an address of their loopback device") {
  Lab lab(two_nodes(std::string(kAsking) + "uplink = eth0\n"));
  make_router();
  const auto know_by_loopback = [&](const std::string& node, const std::string& own,
                                    const std::string& other) {
    must("ip route add 172.31.0." + own + " via 172.18.0." + own +
         " && ip -6 route add fd00:31::" + own + " via fd00:172::" + own);
    must_in(node, "ip addr add 172.31.0." + own + "/32 dev lo; ip addr add fd00:31::" + own +
                      "/128 dev lo; ip route add 172.31.0." + other +
                      " via 172.18.0.1 src 172.31.0." + own + " proto bird; ip -6 route add " +
                      "fd00:31::" + other + " via fd00:172::1 src fd00:31::" + own + " proto bird");
    set_internal_ips(lab, node, {"172.31.0." + own, "fd00:31::" + own});
  };
  know_by_loopback("worker", "3", "4");
  know_by_loopback("worker2", "4", "3");
  lab.start_agents();
  add_pods(lab);
  check_pods_reach_each_other(lab);
  check_well(lab);
  CHECK(route_to("worker", "10.0.0.0/24") == "10.0.0.0/24 via 172.18.0.1 dev eth0 \n");
  CHECK_THAT(lab.agent("worker").says(),
             Contains("172.18.0.1 must route 10.0.0.0/24 to 172.31.0.4"));
}

TEST_CASE("topology: where others make the routes this agent makes none, and misses none") {
  Lab lab(two_nodes(std::string(kAsking) + "auto-direct-node-routes = false\n"));
  move_to_another_subnet(lab);
  lab.start_agents();
  add_pods(lab);
  check_pods_reach_each_other(lab);
  check_well(lab);
  CHECK(route_to("worker", "10.0.0.0/24").empty());
  CHECK_THAT(lab.agent("worker").says(), Contains("others make the routes to the peers' pods"));

  INFO("the setting takes back what was made without it");
  lab.agent("worker").stop();
  lab.agent("worker").start("auto-direct-node-routes = auto\n");
  REQUIRE(lab.agent("worker").wait_ready());
  CHECK_THAT(route_to("worker", "10.0.0.0/24"), Contains("via 172.18.0.1"));
  lab.agent("worker").stop();
  lab.agent("worker").start("auto-direct-node-routes = false\n");
  REQUIRE(lab.agent("worker").wait_ready());
  CHECK(wait_until([&] { return route_to("worker", "10.0.0.0/24").empty(); }));
  CHECK(lab.cleartext().empty());
}

TEST_CASE("topology: a node that there is no route to is named with the cause, and comes back") {
  Lab lab(two_nodes());
  move_to_another_subnet(lab);
  lab.start_agents();
  add_pods(lab);
  CHECK(lab.ping("net", "10.0.0.249").ok());
  must_in("worker", "ip route del default; ip -6 route del default");
  CHECK(wait_until([&] {
    return lab.agent("worker").says().find("this node has no route to 172.19.0.4") !=
           std::string::npos;
  }));
  const auto says = lab.agent("worker").says();
  CAPTURE(says);
  CHECK_THAT(says, Contains("no route to 172.19.0.4"));
  CHECK(says.find("nothing between them drops ESP") == std::string::npos);
  CHECK(lab.agent("worker").ask("status")["refusals"].empty());
  CHECK_FALSE(lab.agent("worker").ctl("status").ok());
  must_in("worker", "ip route add default via 172.18.0.1; ip -6 route add default via fd00:172::1");
  CHECK(wait_until([&] { return lab.ping("net", "10.0.0.249").ok(); }));
  check_well(lab);
  CHECK(lab.cleartext().empty());
}

}  // namespace this_file
