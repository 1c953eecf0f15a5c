// Dual-stack pods, IPv6-only pods, and nodes with different families: traffic in a common family is
// ESP.
#include <algorithm>

#include "tests/harness/catch.h"
#include "tests/harness/lab/seed_pods.h"
#include "tests/harness/lab/traffic.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;

namespace {

void check_reaches(Lab& lab, const std::string& from, const std::string& to,
                   const std::string& name) {
  CAPTURE(from, to);
  const Result ping = lab.ping(from, to);
  CAPTURE(ping.output);
  CHECK(ping.ok());
  const Result page = lab.http_get(from, http_url(to));
  CAPTURE(page.output);
  CHECK(page.output.starts_with("PodName: " + name + " "));
}

// From every pod to every other one, over IPv6 and, where pods have it, IPv4.
void check_all_reach_all(Lab& lab, bool ipv4 = true) {
  for (const auto& from : kSeedPods) {
    for (const auto& to : kSeedPods) {
      if (from.name == to.name) continue;
      check_reaches(lab, from.name, to.ipv6, to.name);
      if (ipv4) check_reaches(lab, from.name, to.address, to.name);
    }
  }
}

// The number of ESP packets between these cilium_host addresses on the wire.
size_t esp_between(Lab& lab, const std::string& a, const std::string& b) {
  const auto wire = lab.network().wire();
  const auto src = IpAddress::parse(a).value();
  const auto dst = IpAddress::parse(b).value();
  return static_cast<size_t>(std::count_if(wire.begin(), wire.end(), [&](const Packet& packet) {
    return packet.protocol == 50 && packet.src == src && packet.dst == dst;
  }));
}

std::vector<NodeSpec> ipv6_only_nodes() {
  auto nodes = dual_stack_nodes();
  for (auto& node : nodes) node.ipv4 = false;
  return nodes;
}

}  // namespace

TEST_CASE("with both families every pod reaches every pod in both, and nothing is in the clear") {
  Lab lab({.nodes = dual_stack_nodes()});
  lab.start_agents();
  add_seed_pods(lab);
  check_all_reach_all(lab);
  CHECK(lab.cleartext().empty());
  CHECK(esp_between(lab, "fd00:10:1::8a", "fd00:10::28") > 0);
  CHECK(esp_between(lab, "10.0.1.138", "10.0.0.40") > 0);
  const auto says = lab.agent("worker").says();
  CAPTURE(says);
  CHECK(says.find("10.0.1.138, fd00:10:1::8a") != says.npos);
  CHECK(says.find("fd00:10::/64") != says.npos);
  CHECK(lab.agent("worker").ctl("status").ok());
  CHECK(lab.agent("worker").ask("diff")["operations"].empty());
}

TEST_CASE("an agent that is killed and started again loses no IPv6 packet") {
  Lab lab({.nodes = dual_stack_nodes()});
  lab.start_agents();
  add_seed_pods(lab);
  PingStream ipv6("net", "fd00:10::f9");
  PingStream back("cni-fcnh6", "fd00:10:1::34");
  REQUIRE(ipv6.goes_on());
  REQUIRE(back.goes_on());
  lab.agent("worker").kill();
  REQUIRE(ipv6.goes_on());
  lab.start_agent("worker");
  REQUIRE(ipv6.goes_on());
  REQUIRE(back.goes_on());
  CHECK(ipv6.end() == "");
  CHECK(back.end() == "");
  CHECK(lab.agent("worker").ask("diff")["operations"].empty());
  CHECK(lab.cleartext().empty());
  CHECK(esp_numbers_astray(lab.network().wire()).empty());
}

TEST_CASE("large packets go through ESP in IPv6, and a larger one is told its limit") {
  Lab lab({.nodes = dual_stack_nodes()});
  lab.start_agents();
  add_seed_pods(lab);
  // 1426 minus the headers of IPv6 and ICMPv6.
  CHECK(lab.in_pod("net", "ping -6 -M do -c 1 -W 2 -s 1378 fd00:10::f9").ok());
  const Result larger = lab.in_pod("net", "ping -6 -M do -c 1 -W 2 -s 1379 fd00:10::f9");
  CHECK_FALSE(larger.ok());
  CHECK(lab.in_pod("net", "ping -6 -c 1 -W 2 -s 4000 fd00:10::f9").ok());
  CHECK(lab.cleartext().empty());
}

TEST_CASE("a cluster of IPv6 alone works, and its pods have nothing of IPv4") {
  Lab lab({.nodes = ipv6_only_nodes()});
  lab.start_agents();
  add_seed_pods(lab);
  check_all_reach_all(lab, false);
  CHECK(lab.cleartext().empty());
  CHECK(esp_between(lab, "fd00:10:1::8a", "fd00:10::28") > 0);
  CHECK(lab.in_pod("net", "ip -4 addr show dev eth0").output.empty());
  CHECK(lab.in_node("worker", "ip xfrm state | grep -c -F 10.0.").output == "0\n");
  CHECK(lab.agent("worker").ctl("status").ok());
}

TEST_CASE("a node of IPv4 alone among nodes with both is reached in IPv4") {
  auto nodes = dual_stack_nodes();
  nodes.back().ipv6.reset();
  Lab lab({.nodes = nodes});
  lab.start_agents();
  add_seed_pods(lab);
  check_reaches(lab, "net", "fd00:10::f9", "cni-fcnh6");
  check_reaches(lab, "net", "10.0.0.249", "cni-fcnh6");
  check_reaches(lab, "net", "10.0.2.77", "cni-cp");
  check_reaches(lab, "cni-cp", "10.0.1.52", "net");
  CHECK(lab.cleartext().empty());
  for (const auto& node : nodes) CHECK(lab.agent(node.name).ctl("status").ok());
}

TEST_CASE("pods of a node that lost its IPv6 readiness are dropped for in IPv6 alone") {
  Lab lab({.nodes = dual_stack_nodes()});
  lab.start_agents();
  add_seed_pods(lab);
  check_reaches(lab, "net", "fd00:10::f9", "cni-fcnh6");
  lab.agent("worker2").kill();
  lab.api().patch(
      api::node_key("worker2"),
      {{"metadata", {{"annotations", {{"network.cilium.io/ipv6-cilium-host", nullptr}}}}}});
  REQUIRE(wait_until([&] { return !lab.agent("worker").ask("status")["problems"].empty(); }));
  CHECK_FALSE(lab.ping("net", "fd00:10::f9").ok());
  check_reaches(lab, "net", "10.0.0.249", "cni-fcnh6");
  CHECK(lab.agent("worker").ask("status")["drops"]["no_key"]["packets"] > 0);
  CHECK(lab.cleartext().empty());
}

}  // namespace this_file
