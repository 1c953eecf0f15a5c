#include "tests/soak/cluster.h"

#include <algorithm>

#include "tests/soak/agent_logs.h"
#include "tools/ctl/agent_socket.h"

namespace pellicle::soak {

using namespace lab;
using Json = nlohmann::ordered_json;

namespace {

// A short rotation, so that old keys go during the run. With strict-cidr, nothing leaves a pod in
// the clear for any address of this network, such as a removed node's.
constexpr const char* kConfig = "key-rotation-duration = 4\nstrict-cidr = 10.0.0.0/8\n";

// The addresses of all nodes that the soak uses: see join() and change() in rounds_of_nodes.cpp.
std::vector<NodeAddresses> all_addresses() {
  std::vector<NodeAddresses> all;
  for (const NodeSpec& node : seed_nodes()) all.push_back({node.pod_cidr, node.router});
  for (const char* network : {"10.0.3.", "10.0.4."}) {
    for (const char* host : {"1", "17"}) {
      all.push_back({Cidr::parse(network + std::string("0/24")).value(),
                     IpAddress::parse(std::string(network) + host).value()});
    }
  }
  return all;
}

// Empty if the agent does not answer, or lacks the inputs to answer.
Json answer(const NodeAgent& agent, const std::string& question) {
  try {
    return agent.ask(question);
  } catch (const ctl::Unreachable&) {
  } catch (const ctl::Refused&) {
  }
  return Json::object();
}

}  // namespace

Cluster::Cluster(uint64_t seed)
    : random(seed),
      ledger(std::chrono::steady_clock::now()),
      tap(all_addresses(), ledger),
      lab({.recorded = false, .agent_config = kConfig}),
      traffic(ledger) {
  forget_logs(lab.log_dir());
  for (const NodeSpec& node : lab.network().nodes()) start(node.name);
  for (const auto& [node, pod, address] : {Place{"worker", "net", "10.0.1.52"},
                                           {"worker2", "cni-fcnh6", "10.0.0.249"},
                                           {kWitness, "cni-cp", "10.0.2.77"}}) {
    if (!lab.agent(node).wait_ready(kPatience)) {
      throw LabError("the agent of " + node + " is not ready three minutes after its start");
    }
    lab.add_pod(node, pod, address);
    pods[node] = {node, pod, address};
    nodes.push_back(node);
    traffic.answers(pods[node]);
    const NodeAgent& agent = lab.agent(node);
    runtimes.try_emplace(node, node, agent.cni_bin_dir(), conflist_in(agent.cni_conf_dir()));
  }
  expect_everywhere("is not programmed", [&](const std::string& node) { return settled(node); });
  for (const auto& [from, sender] : pods) {
    for (const auto& [to, receiver] : pods) {
      if (from != to) traffic.add(sender, receiver);
    }
  }
  expect_traffic();
}

void Cluster::pause(Seconds longest) {
  std::uniform_real_distribution<double> moment(0, longest.count());
  std::this_thread::sleep_for(Seconds(moment(random)));
}

Json Cluster::status(const std::string& node) {
  return answer(lab.agent(node), "status");
}

bool Cluster::settled(const std::string& node) {
  const Json now = status(node);
  if (!now.value("ready", false) || !now["refusals"].empty() || now.contains("failure") ||
      !now["unready"].empty()) {
    return false;
  }
  for (const auto& source : now["kubernetes"]["sources"]) {
    if (source["healthy"] != true) return false;
  }
  const Json diff = answer(lab.agent(node), "diff");
  return diff.contains("operations") && diff["operations"].empty();
}

bool Cluster::sends_with(const std::string& node, int id) {
  const Json now = status(node);
  if (!now.contains("peers") || now["peers"].size() != nodes.size() - 1) return false;
  return std::all_of(now["peers"].begin(), now["peers"].end(),
                     [&](const Json& peer) { return peer["key"] == id; });
}

bool Cluster::holds_only(const std::string& node, int id) {
  const Json now = status(node);
  return now.contains("encryption") && now["encryption"]["keys"] == Json::array({id}) &&
         now["encryption"]["rotating"] == false;
}

std::string Cluster::seen_pod_cidr(const std::string& viewer, const std::string& node) {
  const Json now = status(viewer);
  if (!now.contains("peers")) return "";
  for (const auto& peer : now["peers"]) {
    const std::string cidr = peer["podCIDR"];
    const auto& unready = now["unready"];
    if (peer["name"] == node && std::find(unready.begin(), unready.end(), cidr) == unready.end()) {
      return cidr;
    }
  }
  return "";
}

void Cluster::expect_everywhere(const std::string& sentence,
                                const std::function<bool(const std::string&)>& holds,
                                Seconds limit) {
  for (const std::string& node : nodes) {
    if (wait_until([&] { return holds(node); }, limit)) continue;
    ledger.found(node + ": " + sentence + "; status: " + status(node).dump());
  }
}

void Cluster::expect_traffic(const std::string& node) {
  if (!traffic.goes_on(node)) {
    ledger.found("not every pod is reached by every other" +
                 (node.empty() ? "" : " from and to " + node) + " within three minutes");
  }
}

std::string Cluster::end_agent(const std::string& node) {
  if (one_in(2)) {
    lab.agent(node).kill();
    return node + "'s agent is killed";
  }
  const int status = lab.agent(node).stop(kPatience);
  if (status != 0) {
    ledger.found(node + "'s agent ends with status " + std::to_string(status) + " after SIGTERM");
  }
  return node + "'s agent is stopped";
}

void Cluster::start(const std::string& node) {
  lab.agent(node).start(kConfig);
}

void Cluster::start_again(const std::string& node) {
  start(node);
  if (!lab.agent(node).wait_ready(kPatience)) {
    ledger.found(node + "'s agent is not ready three minutes after its start");
  }
}

}  // namespace pellicle::soak
