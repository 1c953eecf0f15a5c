// Which Nodes get and lose the taint of agent/kube/taint.h. Pure: Nodes and the agents' pods come
// in as values, and changes go out.
//
// A Node loses the taint when a pod of the DaemonSet, of any version, is ready there: it then
// serves pods. A Node gets the taint back when no such pod has been ready for a set time. That time
// starts when this operator first sees it, so that a restarted operator adds no taints. Nodes on
// which no agent ever announced itself are ignored: the DaemonSet may not select them.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/kube/api_json.h"

namespace pellicle {

struct TaintPolicy {
  bool remove = false;
  std::chrono::seconds put_after{0};  // 0: never
  bool on() const { return remove || put_after.count() > 0; }
};

// A Node, reduced to what taints need.
struct TaintView {
  std::string name;
  bool tainted = false;
  bool had_agent = false;  // it has an agent's annotations
  static TaintView of(const ApiObject& node);
};

// A pod of the DaemonSet.
struct AgentPod {
  std::string name;
  std::string node;  // empty: not scheduled
  bool ready = false;
  static AgentPod of(const ApiObject& pod);
};

struct TaintChange {
  std::string node;
  bool put = false;  // false: remove
  auto operator<=>(const TaintChange&) const = default;
};

class NodeTaints {
 public:
  using Instant = std::chrono::steady_clock::time_point;
  explicit NodeTaints(TaintPolicy policy) : policy_(policy) {}

  void nodes_listed(const std::vector<TaintView>& nodes);  // the complete set
  void node_changed(const TaintView& node, bool deleted);
  void pods_listed(const std::vector<AgentPod>& pods);
  void pod_changed(const AgentPod& pod, bool deleted);

  // Changes to write now; empty until both were listed. May be called repeatedly: a change stays
  // due until the Node shows it.
  std::vector<TaintChange> due(Instant now);

 private:
  TaintPolicy policy_;
  std::optional<std::map<std::string, TaintView>> nodes_;
  std::optional<std::map<std::string, AgentPod>> pods_;
  std::map<std::string, Instant> unserved_since_;  // Nodes without a ready pod
};

}  // namespace pellicle
