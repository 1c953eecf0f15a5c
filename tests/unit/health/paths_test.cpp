// Which probes go to the other nodes, and what their answers mean.
#include "agent/health/paths.h"
#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"

namespace this_file {

using namespace pellicle;
using namespace std::chrono_literals;

namespace {

Inputs with_health_endpoints() {
  auto inputs = seed::worker();
  inputs.nodes["worker2"].health_ipv4 = seed::ip("10.0.0.7");
  inputs.nodes["control-plane"].health_ipv4 = seed::ip("10.0.2.9");
  return inputs;
}

Cluster sendable(const Inputs& inputs) {
  auto all = cluster(inputs);
  for (auto& peer : all.peers) peer.key_id = 3;
  return all;
}

NodeHealth heard(HealthAnswer node, HealthAnswer tunnel) {
  NodeHealth health;
  const auto twice = [](HealthAnswer answer) { return HealthResult{.answer = answer, .times = 2}; };
  health.paths[{.node = "worker2", .way = HealthWay::node, .address = seed::ip("172.18.0.4")}] =
      twice(node);
  health.paths[{.node = "worker2", .way = HealthWay::tunnel, .address = seed::ip("10.0.0.7")}] =
      twice(tunnel);
  return health;
}

std::string only_problem(const ClusterHealth& health, const OwnCauses& causes = {}) {
  const auto problems = health_problems(health, causes);
  REQUIRE(problems.size() == 1);
  return problems.front().to_string();
}

}  // namespace

TEST_CASE("each peer is asked at its address, and through the tunnel from cilium_host's") {
  const auto paths = health_paths(sendable(with_health_endpoints()));
  REQUIRE(paths.size() == 4);
  CHECK(paths[2] == HealthPath{.node = "worker2",
                               .way = HealthWay::node,
                               .address = seed::ip("172.18.0.4"),
                               .source = std::nullopt});
  CHECK(paths[3] == HealthPath{.node = "worker2",
                               .way = HealthWay::tunnel,
                               .address = seed::ip("10.0.0.7"),
                               .source = seed::ip("10.0.1.138")});
}

TEST_CASE(
    "no question through a tunnel that is not there, or to an address that is not the peer's") {
  auto inputs = with_health_endpoints();
  inputs.nodes["worker2"].health_ipv4 = seed::ip("10.0.2.77");  // in control-plane's PodCIDR
  auto all = sendable(inputs);
  all.peers.front().key_id = 0;  // control-plane: no key to send with yet
  for (const auto& path : health_paths(all)) CHECK(path.way == HealthWay::node);
}

TEST_CASE("a health endpoint outside its Node's PodCIDR is named") {
  auto inputs = with_health_endpoints();
  CHECK(cluster(inputs).problems.empty());
  inputs.nodes["worker2"].health_ipv4 = seed::ip("10.0.2.77");
  const auto problems = cluster(inputs).problems;
  REQUIRE(problems.size() == 1);
  CHECK(problems.front().to_string().find(
            "metadata.annotations[network.cilium.io/ipv4-health-ip]: 10.0.2.77 is not in the "
            "Node's PodCIDR 10.0.0.0/24") != std::string::npos);
}

TEST_CASE("a node is reached when every way to it is") {
  ClusterHealth health{.interval = 30s, .nodes = {}};
  health.nodes["a"] = heard(HealthAnswer::good, HealthAnswer::good);
  health.nodes["b"] = heard(HealthAnswer::good, HealthAnswer::silent);
  health.nodes["c"] = heard(HealthAnswer::refused, HealthAnswer::silent);
  health.nodes["d"] = heard(HealthAnswer::none, HealthAnswer::none);
  CHECK(health.reachable() == 1);
  CHECK(health.unreachable(HealthWay::node) == 1);
  CHECK(health.unreachable(HealthWay::tunnel) == 2);
  CHECK_FALSE(health.nodes["d"].asked());
}

TEST_CASE("a tunnel that fails while the node answers is this node's problem, with what to do") {
  ClusterHealth health{.interval = 30s, .nodes = {}};
  health.nodes["worker2"] = heard(HealthAnswer::good, HealthAnswer::silent);
  const auto problem = only_problem(health);
  CHECK_THAT(problem, Catch::Matchers::Contains("Node worker2") &&
                          Catch::Matchers::Contains("10.0.0.7:4240") &&
                          Catch::Matchers::Contains("pellicle encrypt status"));
}

TEST_CASE("a cause on this node is named, and no firewall is looked for then") {
  ClusterHealth health{.interval = 30s, .nodes = {}};
  health.nodes["worker2"] = heard(HealthAnswer::good, HealthAnswer::silent);
  CHECK_THAT(only_problem(health), Catch::Matchers::Contains("knows of no cause on itself") &&
                                       Catch::Matchers::Contains("drops ESP"));
  const std::pair worker2("worker2", Family::v4);
  OwnCauses causes;
  causes.network[worker2] = "172.18.0.1 must route 10.0.0.0/24 to 172.19.0.4";
  CHECK_THAT(only_problem(health, causes),
             Catch::Matchers::Contains("no cause on itself: 172.18.0.1 must route 10.0.0.0/24"));
  causes.here = "Kernel: no module esp4";
  CHECK_THAT(
      only_problem(health, causes),
      Catch::Matchers::Contains("first what is wrong on this node: Kernel: no module esp4") &&
          !Catch::Matchers::Contains("ESP (protocol 50)"));
  causes.towards[worker2] = "the kernel refuses to add route X (Y)";
  CHECK_THAT(only_problem(health, causes),
             Catch::Matchers::Contains("on this node: the kernel refuses to add route X (Y)") &&
                 !Catch::Matchers::Contains("ESP (protocol 50)") &&
                 !Catch::Matchers::Contains("esp4"));
  causes = {};
  causes.towards[{"worker2", Family::v6}] = "of the other family";
  causes.towards[{"worker3", Family::v4}] = "of another node";
  CHECK_THAT(only_problem(health, causes), Catch::Matchers::Contains("no cause on itself"));
}

TEST_CASE("a node that reaches none looks at itself first") {
  ClusterHealth health{.interval = 30s, .nodes = {}};
  health.nodes["a"] = heard(HealthAnswer::silent, HealthAnswer::silent);
  health.nodes["worker2"] = heard(HealthAnswer::silent, HealthAnswer::silent);
  CHECK_THAT(only_problem(health), Catch::Matchers::Contains("uplink connected"));
  OwnCauses causes;
  causes.towards[{"worker2", Family::v4}] = "this node has no route to 172.18.0.4";
  CHECK_THAT(only_problem(health, causes),
             Catch::Matchers::Contains("on this node: this node has no route to 172.18.0.4") &&
                 !Catch::Matchers::Contains("ESP (protocol 50)"));
}

TEST_CASE("what happened once is no problem yet") {
  ClusterHealth health{.interval = 30s, .nodes = {}};
  health.nodes["worker2"] = heard(HealthAnswer::good, HealthAnswer::silent);
  for (auto& [path, result] : health.nodes["worker2"].paths) result.times = 1;
  CHECK(health_problems(health).empty());
}

TEST_CASE("lost packets of full size are told from lost connections") {
  ClusterHealth health{.interval = 30s, .nodes = {}};
  health.nodes["worker2"] = heard(HealthAnswer::good, HealthAnswer::stalled);
  CHECK_THAT(only_problem(health), Catch::Matchers::Contains("MTU"));
}

TEST_CASE("a node that is away is no problem of this one, but all of them are") {
  ClusterHealth health{.interval = 30s, .nodes = {}};
  health.nodes["a"] = heard(HealthAnswer::silent, HealthAnswer::silent);
  CHECK(health_problems(health).empty());  // the only peer: either of the two may be cut off
  health.nodes["b"] = heard(HealthAnswer::good, HealthAnswer::good);
  CHECK(health_problems(health).empty());
  health.nodes["b"] = heard(HealthAnswer::silent, HealthAnswer::silent);
  CHECK_THAT(only_problem(health), Catch::Matchers::Contains("none of the 2 other nodes"));
  health.nodes["b"] = heard(HealthAnswer::refused, HealthAnswer::silent);  // its agent is away
  CHECK(health_problems(health).empty());
}

TEST_CASE("what the kernel says of a way that is none is handed on") {
  ClusterHealth health{.interval = 30s, .nodes = {}};
  health.nodes["worker2"] = heard(HealthAnswer::no_way, HealthAnswer::good);
  health.nodes["worker2"].paths.begin()->second.words = "Network is unreachable";
  CHECK_THAT(only_problem(health), Catch::Matchers::Contains("Network is unreachable"));
}

TEST_CASE("the questions of a second do not grow with the cluster") {
  CHECK(health_interval(30s, 2) == 30s);
  CHECK(health_interval(30s, 300) == 30s);
  CHECK(health_interval(30s, 5000) == 500s);
  CHECK(first_question_within(30s, 2) == 20ms);
  CHECK(first_question_within(500s, 5000) == 50s);
  CHECK(first_question_within(2s, 5000) == 2s);
  CHECK(health_patience(2s) == 2s);
  CHECK(health_patience(500s) == 5s);
}

}  // namespace this_file
