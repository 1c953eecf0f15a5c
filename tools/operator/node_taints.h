// Which Nodes get and lose the taint of agent/kube/taint.h. Pure: it is told of Nodes and of the
// agents' pods, and says what to write.
//
// A Node loses the taint when a pod of the DaemonSet is ready there: of whatever version, it serves
// pods then. A Node gets it back when no such pod has been ready for a set time, counted from when
// this was first seen here, so that an operator that has just started puts none. Nodes on which no
// agent has ever said anything are others' business: the DaemonSet may not be for them.
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

// A Node, as far as its taint goes.
struct TaintView {
  std::string name;
  bool tainted = false;
  bool had_agent = false;  // it has annotations of an agent
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
  bool put = false;  // else it is taken off
  auto operator<=>(const TaintChange&) const = default;
};

class NodeTaints {
 public:
  using Instant = std::chrono::steady_clock::time_point;
  explicit NodeTaints(TaintPolicy policy) : policy_(policy) {}

  void nodes_listed(const std::vector<TaintView>& nodes);  // these exist and no others
  void node_changed(const TaintView& node, bool deleted);
  void pods_listed(const std::vector<AgentPod>& pods);
  void pod_changed(const AgentPod& pod, bool deleted);

  // What is to be written now; nothing before both have been listed. May be asked again at once:
  // a change stays due until the Node says it.
  std::vector<TaintChange> due(Instant now);

 private:
  TaintPolicy policy_;
  std::optional<std::map<std::string, TaintView>> nodes_;
  std::optional<std::map<std::string, AgentPod>> pods_;
  std::map<std::string, Instant> unserved_since_;  // Nodes without a ready pod
};

}  // namespace pellicle
