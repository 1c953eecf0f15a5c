#include "agent/health/paths.h"

#include <algorithm>

namespace pellicle {

namespace {

constexpr unsigned kNodesPerSecond = 10;  // the most nodes that one node asks in a second
// Average interval between the first questions that all other nodes ask a new node.
constexpr std::chrono::milliseconds kApart{10};
constexpr std::chrono::seconds kPatience{5};  // the kernel sends SYNs after 0, 1 and 3 s

std::optional<IpAddress> own_router(const Cluster& cluster, Family family) {
  const auto own = cluster.own.find(family);
  return own == cluster.own.end() ? std::nullopt : std::optional(own->second.router);
}

std::string with_port(const IpAddress& address) {
  const auto text = address.to_string();
  return (address.family() == Family::v6 ? "[" + text + "]" : text) + ":" +
         std::to_string(kClusterHealthPort);
}

bool answers(const HealthResult& result) {
  return result.answer == HealthAnswer::good;
}

constexpr unsigned kTimes = 2;  // the same answer this often in a row is a problem

bool any(const NodeHealth& node, HealthWay way, HealthAnswer answer) {
  return std::any_of(node.paths.begin(), node.paths.end(), [&](const auto& entry) {
    return entry.first.way == way && entry.second.answer == answer;
  });
}

std::string stalled_sentence(HealthWay way) {
  return std::string("packets of full size to it are lost") +
         (way == HealthWay::tunnel ? " when they are encrypted" : "") +
         ", small ones are not: expected the MTU of this node's uplink on the whole way there; "
         "lower the uplink's MTU on the nodes to what the network between them takes";
}

std::string known_of(const OwnCauses::ByNode& by_node, const HealthPath& path) {
  const auto found = by_node.find({path.node, path.address.family()});
  return found == by_node.end() ? "" : found->second;
}

// Names the cause when it is on this node. Otherwise says that none is known, and what to check.
std::string what_to_do(const HealthPath& path, const OwnCauses& causes) {
  const auto cause = known_of(causes.towards, path);
  if (!cause.empty()) return "the cause is on this node: " + cause;
  if (!causes.here.empty()) return "put right first what is wrong on this node: " + causes.here;
  const auto expected = known_of(causes.network, path);
  return "this node knows of no cause on itself: " + (expected.empty() ? "" : expected + "; ") +
         "compare `pellicle encrypt status` of both nodes, and see that nothing between them drops "
         "ESP (protocol 50)";
}

// Adds the problems with one node that this node reports.
void judge(const std::string& name, const NodeHealth& node, const OwnCauses& causes,
           std::vector<Problem>& problems) {
  for (const auto& [path, result] : node.paths) {
    if (result.times < kTimes) continue;
    const std::string object = "Node " + name;
    const std::string field = std::string("health, ") + way_name(path.way);
    if (result.answer == HealthAnswer::stalled) {
      problems.push_back({object, field, stalled_sentence(path.way)});
    } else if (result.answer == HealthAnswer::no_way) {
      problems.push_back({object, field, health_sentence(path, result)});
    } else if (path.way == HealthWay::tunnel && result.answer == HealthAnswer::silent &&
               any(node, HealthWay::node, HealthAnswer::good)) {
      problems.push_back(
          {object, field,
           "its health endpoint " + with_port(path.address) +
               " does not answer through ESP while the node itself does: pods do not reach each "
               "other either; " +
               what_to_do(path, causes)});
    }
  }
}

// One known cause is enough: it stands for all nodes.
std::string alone_advice(const std::map<std::string, NodeHealth>& nodes, const OwnCauses& causes) {
  auto cause = causes.here;
  for (const auto& [name, node] : nodes) {
    for (const auto& [path, result] : node.paths) {
      if (cause.empty()) cause = known_of(causes.towards, path);
    }
  }
  if (!cause.empty()) return "put right first what is wrong on this node: " + cause;
  return "is this node's uplink connected, and does the network let TCP " +
         std::to_string(kClusterHealthPort) + " and ESP (protocol 50) pass?";
}

bool is_silent(const NodeHealth& node) {
  return std::all_of(node.paths.begin(), node.paths.end(), [](const auto& entry) {
    return entry.second.answer == HealthAnswer::silent && entry.second.times >= kTimes;
  });
}

}  // namespace

const char* way_name(HealthWay way) {
  return way == HealthWay::node ? "node" : "tunnel";
}

std::vector<HealthPath> health_paths(const Cluster& cluster) {
  std::vector<HealthPath> paths;
  for (const auto& peer : cluster.peers) {
    paths.push_back({.node = peer.name, .way = HealthWay::node, .address = peer.internal_ip});
    const auto family = peer.pod_cidr.family();
    const auto& endpoint = peer.node.health(family);
    if (!endpoint || !peer.pod_cidr.contains(*endpoint) || peer.key_id == 0) continue;
    paths.push_back({.node = peer.name,
                     .way = HealthWay::tunnel,
                     .address = *endpoint,
                     .source = own_router(cluster, family)});
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

bool NodeHealth::asked() const {
  return std::none_of(paths.begin(), paths.end(),
                      [](const auto& entry) { return entry.second.answer == HealthAnswer::none; });
}

bool NodeHealth::reachable() const {
  return std::all_of(paths.begin(), paths.end(),
                     [](const auto& entry) { return answers(entry.second); });
}

size_t ClusterHealth::reachable() const {
  return static_cast<size_t>(std::count_if(
      nodes.begin(), nodes.end(), [](const auto& entry) { return entry.second.reachable(); }));
}

size_t ClusterHealth::unreachable(HealthWay way) const {
  return static_cast<size_t>(std::count_if(nodes.begin(), nodes.end(), [&](const auto& entry) {
    const auto& paths = entry.second.paths;
    return std::any_of(paths.begin(), paths.end(), [&](const auto& each) {
      return each.first.way == way && each.second.answer != HealthAnswer::none &&
             !answers(each.second);
    });
  }));
}

std::chrono::system_clock::time_point ClusterHealth::checked() const {
  std::chrono::system_clock::time_point last{};
  for (const auto& [name, node] : nodes) {
    for (const auto& [path, result] : node.paths) last = std::max(last, result.checked);
  }
  return last;
}

std::string health_sentence(const HealthPath& path, const HealthResult& result) {
  auto where = with_port(path.address);
  switch (result.answer) {
    case HealthAnswer::none:
      return where + " was not asked yet";
    case HealthAnswer::good:
      return where + " answers";
    case HealthAnswer::refused:
      return where + " answers that nobody listens: no agent runs there";
    case HealthAnswer::silent:
      return "no answer from " + where;
    case HealthAnswer::stalled:
      return where + " can be connected to, but packets of full size are lost";
    case HealthAnswer::mute:
      return where + " takes what it is sent, but the agent there does not answer";
    case HealthAnswer::no_way:
      return where + " cannot be asked: " + result.words;
  }
  return where;
}

std::vector<Problem> health_problems(const ClusterHealth& health, const OwnCauses& causes) {
  std::vector<Problem> problems;
  for (const auto& [name, node] : health.nodes) judge(name, node, causes, problems);
  const auto& nodes = health.nodes;
  const bool alone = nodes.size() > 1 && std::all_of(nodes.begin(), nodes.end(), [](auto& entry) {
                       return is_silent(entry.second);
                     });
  if (alone) {
    problems.push_back({"Cluster health", "",
                        "none of the " + std::to_string(nodes.size()) +
                            " other nodes answers, neither directly nor through ESP; " +
                            alone_advice(nodes, causes)});
  }
  return problems;
}

std::chrono::seconds health_interval(std::chrono::seconds wanted, size_t peers) {
  const std::chrono::seconds least((peers + kNodesPerSecond - 1) / kNodesPerSecond);
  return std::max(wanted, least);
}

std::chrono::milliseconds first_question_within(std::chrono::seconds interval, size_t peers) {
  return std::min<std::chrono::milliseconds>(interval, kApart * static_cast<long>(peers));
}

std::chrono::seconds health_patience(std::chrono::seconds interval) {
  return std::min(interval, kPatience);
}

}  // namespace pellicle
