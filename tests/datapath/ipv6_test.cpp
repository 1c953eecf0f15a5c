// Pods with both families, with IPv6 alone, and nodes that differ in it: what both have is ESP.
#include <algorithm>

#include "tests/harness/catch.h"
#include "tests/harness/lab/lab.h"
#include "tests/harness/lab/traffic.h"

using namespace pellicle;
using namespace pellicle::lab;

namespace {

struct DualPod {
  const char* node;
  const char* name;
  const char* ipv4;
  const char* ipv6;
};
constexpr std::array kPods = {DualPod{"worker", "net", "10.0.1.52", "fd00:10:1::34"},
                              DualPod{"worker", "cni-s22px", "10.0.1.103", "fd00:10:1::67"},
                              DualPod{"worker2", "cni-fcnh6", "10.0.0.249", "fd00:10::f9"},
                              DualPod{"control-plane", "cni-cp", "10.0.2.77", "fd00:10:2::4d"}};

void add_pods(Lab& lab, bool ipv4 = true) {
  for (const auto& pod : kPods) {
    std::vector<std::string> addresses{pod.ipv6};
    if (ipv4) addresses.insert(addresses.begin(), pod.ipv4);
    lab.add_pod(pod.node, pod.name, addresses);
    lab.serve_http(pod.name);
  }
}

void check_reaches(Lab& lab, const std::string& from, const std::string& to,
                   const std::string& name) {
  CAPTURE(from, to);
  const Result ping = lab.ping(from, to);
  CAPTURE(ping.output);
  CHECK(ping.ok());
  const bool ipv6 = to.find(':') != to.npos;
  const Result page = lab.http_get(from, "http://" + (ipv6 ? "[" + to + "]" : to) + "/");
  CAPTURE(page.output);
  CHECK(page.output.starts_with("PodName: " + name + " "));
}

// From every pod to every other one, in IPv6 and, where pods have it, in IPv4.
void check_all_reach_all(Lab& lab, bool ipv4 = true) {
  for (const auto& from : kPods) {
    for (const auto& to : kPods) {
      if (from.name == to.name) continue;
      check_reaches(lab, from.name, to.ipv6, to.name);
      if (ipv4) check_reaches(lab, from.name, to.ipv4, to.name);
    }
  }
}

// ESP of a family between these two nodes' cilium_host addresses, seen on the wire.
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
  add_pods(lab);
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
  add_pods(lab);
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
  add_pods(lab);
  // 1426 less the headers of IPv6 and of ICMPv6.
  CHECK(lab.in_pod("net", "ping -6 -M do -c 1 -W 2 -s 1378 fd00:10::f9").ok());
  const Result larger = lab.in_pod("net", "ping -6 -M do -c 1 -W 2 -s 1379 fd00:10::f9");
  CHECK_FALSE(larger.ok());
  CHECK(lab.in_pod("net", "ping -6 -c 1 -W 2 -s 4000 fd00:10::f9").ok());
  CHECK(lab.cleartext().empty());
}

TEST_CASE("a cluster of IPv6 alone works, and its pods have nothing of IPv4") {
  Lab lab({.nodes = ipv6_only_nodes()});
  lab.start_agents();
  add_pods(lab, false);
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
  for (const auto& pod : kPods) {
    const bool both = std::string(pod.node) != "control-plane";
    lab.add_pod(
        pod.node, pod.name,
        both ? std::vector<std::string>{pod.ipv4, pod.ipv6} : std::vector<std::string>{pod.ipv4});
    lab.serve_http(pod.name);
  }
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
  add_pods(lab);
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
