#include "agent/problem_events.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace pellicle {

namespace {

using namespace std::chrono_literals;

constexpr const char* kKeyAnnounced = "metadata.annotations[network.cilium.io/encryption-key]";
constexpr const char* kAgentLog = "see `pellicle status` on the node";
// All other nodes report a joining node until its agent runs, and its image is pulled first.
constexpr std::chrono::seconds kJoining = 5min;

constexpr std::array kReasons = {
    // The key Secret: without any key nothing is sent; with an older key traffic continues.
    EventReason{"KeyMissing", "Secret ", "-", 0s, "run `pellicle key rotate --create`"},
    EventReason{"KeyDeprecated", "Secret advice", "", 0s, "run `pellicle key rotate`"},
    EventReason{"KeyRefused", "Secret ", "", 0s,
                "correct the Secret, or run `pellicle key rotate`"},

    // This node's own Node. The sentences say what is expected.
    EventReason{"KeyNotAnnounced", "Node self", kKeyAnnounced, 0s, kAgentLog},
    EventReason{"NodeForged", "Node self", "forgery", 0s, "find out what sends in its name"},
    EventReason{"NodeForged", "Node self", "clear text", 0s, "find out what sends in its name"},
    EventReason{"NodeIncomplete", "Node self", "metadata.annotations[", 0s, ""},
    EventReason{"AnnotationsNotPublished", "Node self", "metadata.annotations", 0s,
                "other nodes need them to send to this one; check the agent's ClusterRole"},
    EventReason{"NodeIncomplete", "Node self", "", 0s, ""},
    EventReason{"SettingRefused", "Configuration", "", 0s, "correct the agent's configuration"},
    EventReason{"SettingRefused", "Setting ", "", 0s, "correct the agent's configuration"},

    // Other nodes, as seen from here.
    EventReason{"KeyNotAnnounced", "Node ", kKeyAnnounced, 0s, "look at the agent there"},
    EventReason{"PeerUnreachable", "Node ", "health, ", 0s, ""},
    EventReason{"PeerUnreachable", "Node ", "route", 0s, ""},
    EventReason{"NodeCutOff", "Cluster health", "", 0s, ""},
    EventReason{"PeerInTheClear", "Node ", "metadata.annotations[pellicle.io/host-enc", kJoining,
                "look at the agent there"},
    EventReason{"NodeForges", "Node ", "forgery", 0s,
                "find out what sends there: the node may be stolen, or route for others"},
    EventReason{"PeerInTheClear", "Node ", "clear text", 0s,
                "look at the agent there, and for what sends in its name"},
    EventReason{"PeerNotReady", "Node ", "", kJoining, "look at the agent and the Node there"},

    // The kernel. Status shows what a refusal means for traffic: it fails closed.
    EventReason{"ConnectionTableFull", "Kernel nf_conntrack", "", 0s,
                "raise net.netfilter.nf_conntrack_max, or find who opens so many connections"},
    EventReason{"KernelContested", "Kernel contested", "", 0s,
                "find what else configures this node: another CNI plugin's agent, strongSwan, a "
                "network manager"},
    EventReason{"HookContested", "Device ", "", 0s, ""},
    EventReason{"FirewallRefusesPods", "Firewall", "", 0s, ""},
    EventReason{"KernelFeatureMissing", "Kernel", "", 0s, ""},
    EventReason{"KernelRefused", "Refusal", "", 0s, kAgentLog},
    EventReason{"PassFailed", "Pass", "", 0s, kAgentLog},

    // Pods of this node.
    EventReason{"PodCIDRExhausted", "PodCIDR", "", 0s,
                "new pods fail until others end; kubelet's maxPods should not exceed the PodCIDR"},
    EventReason{"PodSourcesUnchecked", "Pod ", "-", 0s, ""},
    EventReason{"PodSourceNotAllowed", "Pod ", "metadata.annotations[", 0s, ""},
    EventReason{"PodAddressConflict", "Pod ", "", 0s, "delete one of the pods"},
    EventReason{"CNIPluginUnfit", "CNI plugin", "", 0s,
                "look at the plugin, or take it out of cni.chain"},
    EventReason{"CNINotInstalled", "CNI", "", 0s, "check the mounts of the agent's pod"},
    EventReason{"StateNotKept", "File state", "", 0s, kAgentLog},
    EventReason{"ForeignCNI", "File ", "", 0s, ""},

    EventReason{"Problem", "", "", 0s, kAgentLog},
};

// Values to match with EventReason::object and ::field.
struct Names {
  std::string object;
  std::string field;
};

Names names(const Problem& problem, const Troubles& troubles) {
  Names names{problem.object, problem.field};
  if (names.object == "Node " + troubles.node) names.object = "Node self";
  if (names.object.starts_with("File " + troubles.state_dir + "/")) names.object = "File state";
  if (names.object.starts_with("Secret ") && !names.field.empty() && troubles.key_taken) {
    names.object = "Secret advice";
  }
  if (names.field.empty()) names.field = "-";  // the problem concerns the whole object
  return names;
}

size_t row_of(const Problem& problem, const Troubles& troubles) {
  const auto found = names(problem, troubles);
  const auto row = std::find_if(kReasons.begin(), kReasons.end(), [&](const EventReason& each) {
    return found.object.starts_with(each.object) && found.field.starts_with(each.field);
  });
  return static_cast<size_t>(std::distance(kReasons.begin(), row));
}

// Brings all troubles into one form, those that are kept as problems and the others.
std::map<Problem, WallClock::time_point> all_problems(const Troubles& troubles) {
  auto all = troubles.problems;
  const auto add = [&all](const std::string& object, const std::string& sentence) {
    all.emplace(Problem{object, "", sentence}, WallClock::time_point{});
  };
  for (const auto& lack : troubles.kernel_lacks) add(lack.object, lack.sentence);
  for (const auto& refusal : troubles.refusals) {
    // The lack explains it already; each peer's state would repeat it.
    const bool state = std::holds_alternative<Change<State>>(refusal.operation);
    if (state && !troubles.kernel_lacks.empty()) continue;
    add("Refusal",
        "the kernel refused to " + describe(refusal.operation) + ": " + refusal.sentence);
  }
  if (!troubles.failure.empty()) add("Pass", troubles.failure);
  for (const auto& pool : troubles.pools) {
    if (pool.allocated < pool.usable) continue;
    add("PodCIDR " + pool.pod_cidr.to_string(),
        "all " + std::to_string(pool.usable) + " addresses are given out");
  }
  return all;
}

// The object names of refusals and failed passes say nothing to a reader.
std::string sentence(const Problem& problem) {
  const bool nameless = problem.object == "Refusal" || problem.object == "Pass";
  return nameless ? problem.sentence : problem.to_string();
}

std::string message(const std::vector<Problem>& problems, const std::string& remedy) {
  std::string text = sentence(problems.front());
  if (problems.size() > 1) {
    text += "; and " + std::to_string(problems.size() - 1) + " more like it";
    std::string names;
    for (auto at = std::next(problems.begin()); at != problems.end(); ++at) {
      if (at->object == "Refusal" || at->object == problems.front().object) continue;
      names += (names.empty() ? "" : ", ") + at->object;
    }
    if (!names.empty()) text += " (" + names + ")";
  }
  return remedy.empty() ? text : text + ". Remedy: " + remedy;
}

}  // namespace

std::span<const EventReason> event_reasons() {
  return kReasons;
}

std::vector<NodeEvent> problem_events(const Troubles& troubles, WallClock::time_point now) {
  std::map<std::string, std::pair<const EventReason*, std::vector<Problem>>> by_reason;
  for (const auto& [problem, since] : all_problems(troubles)) {
    const auto& row = kReasons.at(row_of(problem, troubles));
    if (now - since < row.patience) continue;
    auto& [first, problems] = by_reason[row.reason];
    if (first == nullptr) first = &row;
    problems.push_back(problem);
  }
  std::vector<NodeEvent> events;
  events.reserve(by_reason.size());
  for (const auto& [reason, found] : by_reason) {
    events.push_back({.node = troubles.node,
                      .uid = "",
                      .reason = reason,
                      .message = message(found.second, found.first->remedy)});
  }
  return events;
}

}  // namespace pellicle
