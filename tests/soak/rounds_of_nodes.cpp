// The guest: a node that joins, changes and leaves while all pods talk.
#include <algorithm>
#include <filesystem>

#include "tests/soak/rounds.h"

namespace pellicle::soak {

using namespace lab;

namespace {

constexpr const char* kPod = "fourth";
constexpr const char* kPartner = "worker";  // the guest's pod talks with this node's

bool is_there(const Cluster& cluster) {
  return std::find(cluster.nodes.begin(), cluster.nodes.end(), kGuest) != cluster.nodes.end();
}

std::vector<int>& streams() {
  static std::vector<int> numbers;
  return numbers;
}

void end_streams(Cluster& cluster) {
  for (const int stream : streams()) cluster.traffic.remove(stream);
  streams().clear();
}

// Waits until all nodes encrypt to the guest's PodCIDR and the guest to theirs. From here on no
// packet may be lost.
void begin_to_talk(Cluster& cluster, const std::string& network) {
  const std::string cidr = network + "0/24";
  cluster.expect_everywhere(
      "has no way to " + std::string(kGuest) + "'s pods " + cidr, [&](const std::string& node) {
        if (node != kGuest) return cluster.seen_pod_cidr(node, kGuest) == cidr;
        return std::all_of(cluster.pods.begin(), cluster.pods.end(), [&](const auto& pod) {
          return !cluster.seen_pod_cidr(kGuest, pod.first).empty();
        });
      });
  cluster.expect_everywhere("does not settle",
                            [&](const std::string& node) { return cluster.settled(node); });
  const Place pod{kGuest, kPod, network + "99"};
  cluster.lab.add_pod(pod.node, pod.pod, pod.address);
  streams() = {cluster.traffic.add(pod, cluster.pods.at(kPartner)),
               cluster.traffic.add(cluster.pods.at(kPartner), pod)};
  cluster.expect_traffic(kGuest);
}

std::string any_network(Cluster& cluster) {
  return cluster.one_in(2) ? "10.0.3." : "10.0.4.";
}

std::string join(Cluster& cluster) {
  const std::string network = any_network(cluster);
  const std::string address = cluster.one_in(2) ? "172.18.0.5" : "172.18.0.77";
  cluster.lab.add_node({.name = kGuest,
                        .address = IpAddress::parse(address).value(),
                        .pod_cidr = Cidr::parse(network + "0/24").value(),
                        .router = IpAddress::parse(network + "17").value()});
  cluster.nodes.emplace_back(kGuest);
  cluster.start_again(kGuest);
  begin_to_talk(cluster, network);
  return "joins with " + address + " and " + network + "0/24";
}

// Without traffic to the guest: its pods' addresses change.
std::string change(Cluster& cluster) {
  const std::string old = cluster.seen_pod_cidr(kWitness, kGuest);
  const std::string network = old == "10.0.3.0/24" ? "10.0.4." : "10.0.3.";
  end_streams(cluster);
  cluster.lab.delete_pod(kPod);
  const std::string cidr = network + "0/24";
  cluster.lab.api().patch(api::node_key(kGuest),
                          {{"spec", {{"podCIDR", cidr}, {"podCIDRs", api::Json::array({cidr})}}}});
  begin_to_talk(cluster, network);
  return "changes its PodCIDR to " + cidr;
}

// Removes what disappears with a node's machine.
void forget_machine(NodeAgent& agent) {
  std::filesystem::remove_all(agent.state_dir());
  std::filesystem::remove_all(agent.bpf_root());
}

void expect_forgotten(Cluster& cluster) {
  cluster.expect_everywhere(
      "goes on with " + std::string(kGuest) + ", which left", [&](const std::string& node) {
        return cluster.settled(node) && cluster.status(node)["peers"].size() == 2;
      });
}

std::string leave(Cluster& cluster) {
  end_streams(cluster);
  cluster.lab.delete_pod(kPod);
  cluster.lab.agent(kGuest).stop();
  forget_machine(cluster.lab.agent(kGuest));
  cluster.lab.remove_node(kGuest);
  cluster.nodes.pop_back();
  expect_forgotten(cluster);
  return "leaves";
}

// The other nodes send to the guest until it dies, and after that.
std::string die(Cluster& cluster) {
  cluster.ledger.open(kGuest, "a node that died", std::chrono::steady_clock::now());
  cluster.lab.agent(kGuest).kill();
  forget_machine(cluster.lab.agent(kGuest));
  cluster.lab.remove_node(kGuest);
  cluster.nodes.pop_back();
  expect_forgotten(cluster);
  end_streams(cluster);
  cluster.ledger.close(std::chrono::steady_clock::now());
  remove_netns(kPod);
  return "dies";
}

}  // namespace

std::string node_round(Cluster& cluster) {
  if (!is_there(cluster)) return join(cluster);
  switch (cluster.any(3)) {
    case 0:
      return change(cluster);
    case 1:
      return leave(cluster);
    default:
      return die(cluster);
  }
}

void without_the_guest(Cluster& cluster) {
  if (is_there(cluster)) leave(cluster);
}

}  // namespace pellicle::soak
