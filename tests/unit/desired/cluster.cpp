// Which Nodes this node believes, to which it encrypts, and for which it drops packets.
#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"

namespace pellicle::this_file {

namespace {

using seed::cidr;
using seed::ip;

std::vector<std::string> peer_names(const Cluster& cluster) {
  std::vector<std::string> names;
  for (const auto& peer : cluster.peers) names.push_back(peer.name);
  return names;
}

using Names = std::vector<std::string>;
using Cidrs = std::vector<Cidr>;

const char* const kNewest = "2023-01-01T00:00:00Z";
const char* const kOldest = "2020-01-01T00:00:00Z";

// The seed's three Nodes and one more, seen by worker.
Cluster with_fourth(const Node& node) {
  auto inputs = seed::worker();
  inputs.nodes[node.name] = node;
  return cluster(inputs);
}

Node fourth(const char* created = kNewest) {
  return seed::node("worker3", created, "10.0.3.0/24", "172.18.0.5", "10.0.3.7");
}

void require_problem(const Cluster& cluster, const std::string& object, const std::string& field,
                     const std::string& words) {
  REQUIRE(cluster.problems.size() == 1);
  const auto& problem = cluster.problems.front();
  INFO(problem.to_string());
  CHECK(problem.object == object);
  CHECK(problem.field == field);
  CHECK(problem.sentence.find(words) != std::string::npos);
}

}  // namespace

TEST_CASE("the seed's cluster has two peers and no problem") {
  const auto seen = cluster(seed::worker());
  CHECK(seen.problems.empty());
  CHECK(seen.unready.empty());
  CHECK(seen.own.at(Family::v4).router == ip("10.0.1.138"));
  CHECK(seen.uplink->name == "eth0");
  REQUIRE(seen.peers.size() == 2);
  CHECK(seen.peers[0].name == "control-plane");
  CHECK(seen.peers[0].pod_cidr == cidr("10.0.2.0/24"));
  CHECK(seen.peers[0].internal_ip == ip("172.18.0.2"));
  CHECK(seen.peers[0].router == ip("10.0.2.52"));
  CHECK(seen.peers[1].name == "worker2");
  CHECK(seen.peers[1].router == ip("10.0.0.40"));
}

TEST_CASE("a Node without PodCIDR is reported and left out") {
  auto node = fourth();
  node.pod_cidrs = {cidr("fd00:3::/64")};
  const auto seen = with_fourth(node);
  CHECK(peer_names(seen) == Names{"control-plane", "worker2"});
  CHECK(seen.unready.empty());
  require_problem(seen, "Node worker3", "spec.podCIDR", "no IPv4 PodCIDR such as 10.0.1.0/24");
}

TEST_CASE("a Node without InternalIP is reported and its pods are dropped for") {
  auto node = fourth();
  node.internal_ipv4.reset();
  const auto seen = with_fourth(node);
  CHECK(seen.unready == Cidrs{cidr("10.0.3.0/24")});
  require_problem(seen, "Node worker3", "status.addresses[InternalIP]", "no IPv4 InternalIP");
}

TEST_CASE("a Node without cilium_host address is reported and its pods are dropped for") {
  auto node = fourth();
  node.router_ipv4.reset();
  const auto seen = with_fourth(node);
  CHECK(seen.unready == Cidrs{cidr("10.0.3.0/24")});
  require_problem(seen, "Node worker3", "metadata.annotations[network.cilium.io/ipv4-cilium-host]",
                  "publishes one in 10.0.3.0/24");
  auto inputs = seed::worker();
  inputs.nodes["worker3"] = node;
  const auto state = compute(inputs).state;
  CHECK(state.peers.at({cidr("10.0.3.0/24")}).key_id == 0);
  CHECK_FALSE(state.routes.contains({254, cidr("10.0.3.0/24")}));
}

TEST_CASE("a cilium_host address outside of the Node's PodCIDR is reported") {
  auto node = fourth();
  node.router_ipv4 = ip("10.0.0.40");  // worker2's: two Nodes with one address
  const auto seen = with_fourth(node);
  CHECK(seen.unready == Cidrs{cidr("10.0.3.0/24")});
  CHECK(peer_names(seen) == Names{"control-plane", "worker2"});
  require_problem(seen, "Node worker3", "metadata.annotations[network.cilium.io/ipv4-cilium-host]",
                  "10.0.0.40 is not in the Node's PodCIDR 10.0.3.0/24");
}

TEST_CASE("of two Nodes with one InternalIP the older is believed") {
  auto node = fourth();
  node.internal_ipv4 = ip("172.18.0.4");
  auto seen = with_fourth(node);
  CHECK(peer_names(seen) == Names{"control-plane", "worker2"});
  CHECK(seen.unready == Cidrs{cidr("10.0.3.0/24")});
  require_problem(seen, "Node worker3", "status.addresses[InternalIP]",
                  "172.18.0.4 contradicts InternalIP 172.18.0.4 of Node worker2");
  node.created = kOldest;
  seen = with_fourth(node);
  CHECK(peer_names(seen) == Names{"control-plane", "worker3"});
  CHECK(seen.unready == Cidrs{cidr("10.0.0.0/24")});
}

TEST_CASE("another Node with this node's InternalIP is not believed, however old") {
  auto node = fourth(kOldest);
  node.internal_ipv4 = ip("172.18.0.3");
  const auto seen = with_fourth(node);
  CHECK(peer_names(seen) == Names{"control-plane", "worker2"});
  CHECK(seen.unready == Cidrs{cidr("10.0.3.0/24")});
  require_problem(seen, "Node worker3", "status.addresses[InternalIP]", "of Node worker");
}

TEST_CASE(
    "of two Nodes with one InternalIP the one that is not silent is believed, however young") {
  auto node = fourth(kOldest);
  node.silent = true;
  CHECK(peer_names(with_fourth(node)) == Names{"control-plane", "worker2", "worker3"});
  node.internal_ipv4 = ip("172.18.0.4");
  const auto seen = with_fourth(node);
  CHECK(peer_names(seen) == Names{"control-plane", "worker2"});
  CHECK(seen.unready == Cidrs{cidr("10.0.3.0/24")});
  require_problem(seen, "Node worker3", "status.addresses[InternalIP]",
                  "172.18.0.4 contradicts InternalIP 172.18.0.4 of Node worker2");
  // So this node keeps its PodCIDR against a silent Node object of its former name.
  auto before = fourth(kOldest);
  before.silent = true;
  before.pod_cidrs = {cidr("10.0.1.0/24")};
  require_problem(with_fourth(before), "Node worker3", "spec.podCIDR",
                  "10.0.1.0/24 contradicts PodCIDR 10.0.1.0/24 of Node worker");
}

TEST_CASE("an InternalIP inside an older Node's PodCIDR is not believed") {
  auto node = fourth();
  node.internal_ipv4 = ip("10.0.0.9");
  const auto seen = with_fourth(node);
  CHECK(seen.unready == Cidrs{cidr("10.0.3.0/24")});
  require_problem(seen, "Node worker3", "status.addresses[InternalIP]",
                  "PodCIDR 10.0.0.0/24 of Node worker2");
}

TEST_CASE("of two overlapping PodCIDRs the older Node's is believed, whatever their names") {
  auto node = fourth();
  node.pod_cidrs = {cidr("10.0.0.128/25")};
  node.router_ipv4 = ip("10.0.0.129");
  auto seen = with_fourth(node);
  CHECK(peer_names(seen) == Names{"control-plane", "worker2"});
  CHECK(seen.unready.empty());  // worker2 owns all of it and gets it encrypted
  require_problem(seen, "Node worker3", "spec.podCIDR",
                  "10.0.0.128/25 contradicts PodCIDR 10.0.0.0/24 of Node worker2");

  node.created = kOldest;
  seen = with_fourth(node);
  CHECK(peer_names(seen) == Names{"control-plane", "worker3"});
  CHECK(seen.unready == Cidrs{cidr("10.0.0.0/24")});  // packets outside worker3's part are dropped
  require_problem(seen, "Node worker2", "spec.podCIDR",
                  "contradicts PodCIDR 10.0.0.128/25 of Node worker3");

  node.created = "2022-12-20T09:02:00Z";  // the same as worker2's: the name decides
  CHECK(peer_names(with_fourth(node)) == Names{"control-plane", "worker2"});
}

TEST_CASE("a Node that lacks something else still holds its PodCIDR against a younger one") {
  auto inputs = seed::worker();
  inputs.nodes["worker2"].router_ipv4.reset();
  inputs.nodes["worker3"] = fourth();
  inputs.nodes["worker3"].pod_cidrs = {cidr("10.0.0.0/24")};
  inputs.nodes["worker3"].router_ipv4 = ip("10.0.0.7");
  const auto seen = cluster(inputs);
  CHECK(peer_names(seen) == Names{"control-plane"});
  CHECK(seen.unready == Cidrs{cidr("10.0.0.0/24")});
  CHECK(seen.problems.size() == 2);
}

TEST_CASE("a younger Node that claims our PodCIDR is reported") {
  auto node = fourth();
  node.pod_cidrs = {cidr("10.0.0.0/15")};
  const auto seen = with_fourth(node);
  CHECK(peer_names(seen) == Names{"control-plane", "worker2"});
  CHECK(seen.unready == Cidrs{cidr("10.0.0.0/15")});
  require_problem(seen, "Node worker3", "spec.podCIDR", "10.0.0.0/15 contradicts PodCIDR 10.0.");
}

TEST_CASE("when an older Node claims our PodCIDR we serve our own pods and report ourselves") {
  auto node = fourth(kOldest);
  node.pod_cidrs = {cidr("10.0.1.0/24")};
  node.router_ipv4 = ip("10.0.1.138");  // this node's own address
  const auto seen = with_fourth(node);
  CHECK(peer_names(seen) == Names{"control-plane", "worker2"});
  CHECK(seen.unready.empty());
  CHECK(seen.own.at(Family::v4).router == ip("10.0.1.138"));
  require_problem(seen, "Node worker", "spec.podCIDR", "of the older Node worker3");

  auto inputs = seed::worker();
  inputs.nodes["worker3"] = node;
  const bool unchanged = compute(inputs).state == compute(seed::worker()).state;
  CHECK(unchanged);
}

TEST_CASE("a PodCIDR that holds our own address is neither routed nor dropped") {
  auto node = fourth(kOldest);
  node.pod_cidrs = {cidr("172.18.0.0/16")};
  node.router_ipv4 = ip("172.18.9.9");
  const auto seen = with_fourth(node);
  CHECK(seen.unready.empty());
  CHECK(peer_names(seen) == Names{"control-plane", "worker2"});
  CHECK(seen.problems.front().object == "Node worker3");
}

TEST_CASE("a PodCIDR may not hold a second address of the uplink, but may hold other devices'") {
  auto inputs = seed::worker();
  inputs.nodes["worker3"] = fourth(kOldest);
  inputs.host.uplinks[ip("10.0.3.99")] = {.name = "docker0", .mtu = 1500};
  CHECK(cluster(inputs).problems.empty());
  inputs.host.uplinks[ip("10.0.3.99")] = {.name = "eth0", .mtu = 1500};
  const auto seen = cluster(inputs);
  CHECK(peer_names(seen) == Names{"control-plane", "worker2"});
  CHECK(seen.unready.empty());
  require_problem(seen, "Node worker3", "spec.podCIDR", "10.0.3.99 of Node worker");
}

TEST_CASE("a PodCIDR that holds another, older Node's InternalIP is dropped") {
  auto inputs = seed::worker();
  inputs.nodes["worker2"].internal_ipv4 = ip("172.19.0.4");
  inputs.nodes["worker3"] = fourth();
  inputs.nodes["worker3"].pod_cidrs = {cidr("172.19.0.0/24")};
  const auto seen = cluster(inputs);
  CHECK(peer_names(seen) == Names{"control-plane", "worker2"});
  CHECK(seen.unready == Cidrs{cidr("172.19.0.0/24")});
  require_problem(seen, "Node worker3", "spec.podCIDR", "InternalIP 172.19.0.4 of Node worker2");
}

}  // namespace pellicle::this_file
