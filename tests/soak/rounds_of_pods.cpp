// Pods that come and go by CNI calls, as kubelet makes them.
#include <algorithm>

#include "tests/soak/rounds.h"

namespace pellicle::soak {

using namespace lab;

namespace {

struct Pod {
  std::string name;
  CniPod sandbox;
};

// Returns the address; adds a finding and returns an empty string if there is none.
std::string add(Cluster& cluster, CniRuntime& runtime, const Pod& pod) {
  const CniAnswer answer = runtime.add(pod.sandbox);
  if (answer.ok()) return answer.addresses().at(0);
  cluster.ledger.found("CNI ADD of " + pod.name + " is refused: " + answer.text());
  return "";
}

void remove(Cluster& cluster, CniRuntime& runtime, const Pod& pod) {
  const CniAnswer answer = runtime.remove(pod.sandbox);
  if (!answer.ok()) cluster.ledger.found("CNI DEL of " + pod.name + " fails: " + answer.text());
  remove_netns(pod.name);
}

// Without an agent the plugin must refuse a sandbox; pods_round() adds it once the agent is back.
void expect_refused(Cluster& cluster, CniRuntime& runtime, const Pod& pod) {
  constexpr int kTryAgainLater = 11;  // CNI 1.1.0, section 5
  const CniAnswer answer = runtime.add(pod.sandbox);
  if (answer.code() != kTryAgainLater) {
    cluster.ledger.found("without an agent CNI ADD of " + pod.name + " says " + answer.text());
  }
}

Pod new_pod() {
  static int made = 0;
  const std::string name = "passing" + std::to_string(++made);
  return {name,
          {.id = "sandbox-of-" + name,
           .netns = make_netns(name),
           .args = "K8S_POD_NAMESPACE=default;K8S_POD_NAME=" + name}};
}

// A new pod's first packet must reach a pod on another node.
std::vector<Pod> come(Cluster& cluster, const std::string& node, size_t count) {
  CniRuntime& runtime = cluster.runtimes.at(node);
  const auto other = std::find_if(cluster.pods.begin(), cluster.pods.end(),
                                  [&](const auto& pod) { return pod.first != node; });
  std::vector<Pod> pods;
  for (size_t i = 0; i < count; ++i) {
    const Pod& pod = pods.emplace_back(new_pod());
    const std::string address = add(cluster, runtime, pod);
    if (!address.empty() && !asks(pod.name, other->second.address)) {
      cluster.ledger.found(pod.name + " (" + address + ", " + node + ") gets no answer from " +
                           other->second.address);
    }
  }
  return pods;
}

// Removes half of the pods without an agent; the agent completes these DELs after its start.
std::string go_without_agent(Cluster& cluster, const std::string& node,
                             const std::vector<Pod>& pods) {
  CniRuntime& runtime = cluster.runtimes.at(node);
  const std::string how = cluster.end_agent(node);
  const Pod refused = new_pod();
  expect_refused(cluster, runtime, refused);
  for (size_t i = 0; i < pods.size() / 2; ++i) remove(cluster, runtime, pods[i]);
  cluster.start_again(node);
  add(cluster, runtime, refused);
  remove(cluster, runtime, refused);
  for (size_t i = pods.size() / 2; i < pods.size(); ++i) remove(cluster, runtime, pods[i]);
  return ", " + how + " meanwhile";
}

}  // namespace

std::string pods_round(Cluster& cluster) {
  const std::string& node = cluster.any_node();
  const size_t count = 2 + cluster.any(3);
  const std::vector<Pod> pods = come(cluster, node, count);
  std::string what = std::to_string(count) + " on " + node;
  if (node != kWitness && cluster.one_in(2)) {
    what += go_without_agent(cluster, node, pods);
  } else {
    for (const Pod& pod : pods) remove(cluster, cluster.runtimes.at(node), pod);
  }
  // In a busy guest an agent may answer late: ask for its status again.
  const bool gone =
      wait_until([&] { return cluster.status(node).value("endpoints", 0) == 1; }, kPatience);
  if (!gone) {
    cluster.ledger.found(node + " still has pods that were deleted, or does not answer; status: " +
                         cluster.status(node).dump());
  }
  return what;
}

}  // namespace pellicle::soak
