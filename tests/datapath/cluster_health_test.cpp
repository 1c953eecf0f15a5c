// Whether nodes reach each other, and which path fails if they do not.
#include <regex>

#include "tests/harness/catch.h"
#include "tests/harness/lab/lab.h"
#include "tests/harness/metrics.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;

namespace {

constexpr Seconds kInterval = 2s;

LabOptions asking() {
  return {.agent_config = "cluster-health-interval = 2\n"};
}

std::string health_of(Lab& lab, const std::string& node) {
  const auto text = lab.agent(node).says();
  const auto at = text.find("Cluster health:");
  return at == std::string::npos ? text : text.substr(at);
}

bool says(Lab& lab, const std::string& node, const std::string& words, Seconds limit) {
  const bool said =
      wait_until([&] { return lab.agent(node).says().find(words) != std::string::npos; }, limit);
  if (!said) UNSCOPED_INFO(node << " says: " << lab.agent(node).ctl("status").output);
  return said;
}

void all_reached(Lab& lab) {
  for (const auto& node : {"control-plane", "worker", "worker2"}) {
    REQUIRE(says(lab, node, "Cluster health: 2/2 reachable (", 20s));
  }
}

}  // namespace

TEST_CASE("three nodes reach each other and each other's health endpoints, through ESP") {
  Lab lab(asking());
  lab.start_agents();
  all_reached(lab);
  CHECK(lab.agent("worker").ctl("status").status == 0);
  const Result link = lab.in_node("worker", "ip -d link show lxc_health");
  CHECK(link.output.find("veth") != std::string::npos);

  // The endpoint has the annotation's address, and answers any client.
  const auto address = lab.api()
                           .get(api::node_key("worker2"))
                           .value()["metadata"]["annotations"]["network.cilium.io/ipv4-health-ip"]
                           .get<std::string>();
  lab.add_pod("worker", "net", "10.0.1.52");
  CHECK(lab.http_get("net", http_url(address, 4240) + "hello").output == "hello\n");
  CHECK(lab.http_get("worker", "http://172.18.0.4:4240/hello").output == "hello\n");
  CHECK(lab.cleartext().empty());
  CHECK(lab.agent("worker").ctl("diff").output == "nothing to do: the kernel is as desired\n");

  const auto verbose = lab.agent("worker").ctl("status --verbose").output;
  const std::regex reached("  worker2 +node [0-9]+[.][0-9][0-9] ms, tunnel [0-9]+[.][0-9][0-9] ms");
  CHECK(std::regex_search(verbose, reached));

  const auto metrics = sh_in("worker", "curl -s http://127.0.0.1:9879/metrics").output;
  CHECK(metrics_problems(metrics) == std::vector<std::string>{});
  CHECK(metric(metrics, "pellicle_unreachable_nodes") == 0);
  CHECK(metric(metrics, "pellicle_unreachable_health_endpoints") == 0);
  CHECK(metric(metrics,
               R"(pellicle_node_health_connectivity_status{peer="worker2",way="tunnel"})") == 1);

  // It ends with its agent, and returns with it.
  lab.agent("worker").kill();
  CHECK(wait_until([&] { return !lab.in_node("worker", "ip link show lxc_health").ok(); }));
  CHECK(says(lab, "worker2", "nobody listens: no agent runs there", 2 * kInterval));
  lab.start_agent("worker");
  all_reached(lab);
  must_in("worker", "ip link del lxc_health");
  CHECK(wait_until([&] { return lab.in_node("worker", "ip link show lxc_health").ok(); }));
  all_reached(lab);
}

TEST_CASE("a link that is cut shows within two intervals, on both ends of it") {
  Lab lab(asking());
  lab.start_agents();
  all_reached(lab);
  must_in("worker2", "ip link set eth0 down");
  CHECK(says(lab, "worker", "Cluster health: 1/2 reachable (", 2 * kInterval + 2s));
  const auto said = health_of(lab, "worker");
  CAPTURE(said);
  // When the neighbour entry expires, the kernel reports "No route to host" before the time is up.
  const auto unanswered = [&](const std::string& way, const std::string& address) {
    return std::regex_search(said, std::regex(way + ": (no answer from " + address + "|" + address +
                                              ".* cannot be asked: No route to host)"));
  };
  CHECK(unanswered("worker2 node", "172\\.18\\.0\\.4:4240"));
  CHECK(unanswered("tunnel", "10\\.0\\.0\\."));
  CHECK(says(lab, "worker2", "Cluster health: 0/2 reachable (", 2 * kInterval + 2s));
  CHECK(lab.agent("worker2").ctl("status").status == 1);
  must_in("worker2", "ip link set eth0 up && ip route replace default via 172.18.0.1");
  all_reached(lab);
  CHECK(says(lab, "worker2", "Problems: none", 20s));
}

TEST_CASE(
    "a tunnel that fails while the node answers is told apart, and what loses large packets") {
  Lab lab(asking());
  lab.start_agents();
  all_reached(lab);

  // A firewall on the path drops ESP.
  must_in("worker2", "iptables-legacy -t raw -I PREROUTING -i eth0 -p esp -j DROP");
  REQUIRE(says(lab, "worker", "does not answer through ESP while the node itself does", 20s));
  CHECK(health_of(lab, "worker").find("tunnel: no answer from 10.0.0.") != std::string::npos);
  CHECK(health_of(lab, "worker").find("node: no answer") == std::string::npos);
  const Result status = lab.agent("worker").ctl("status");
  CHECK(status.status == 1);
  must_in("worker2", "iptables-legacy -t raw -D PREROUTING -i eth0 -p esp -j DROP");
  all_reached(lab);

  // A path with a smaller MTU than the uplink's that sends no ICMP: a cable with a smaller MTU.
  must("ip link set port4 mtu 1400");
  REQUIRE(says(lab, "worker", "packets of full size to it are lost when they are encrypted", 20s));
  CHECK(health_of(lab, "worker").find("can be connected to, but packets of full size are lost") !=
        std::string::npos);
  must("ip link set port4 mtu 1500");
  all_reached(lab);
}

TEST_CASE("a tunnel that fails because of a route on this node is not blamed on the network") {
  Lab lab(asking());
  must_in("worker", "ip route add 10.0.0.0/24 via 172.18.0.99");
  lab.start_agents();
  CHECK(says(lab, "worker",
             "the cause is on this node: the kernel refuses to add route 10.0.0.0/24 via "
             "172.18.0.4 dev eth0 (File exists: something that is not ours stands in its place)",
             30s));
  CHECK(lab.agent("worker").says().find("drops ESP") == std::string::npos);
  must_in("worker", "ip route del 10.0.0.0/24 via 172.18.0.99");
  all_reached(lab);
  CHECK(lab.agent("worker").ctl("status").ok());
}

}  // namespace this_file
