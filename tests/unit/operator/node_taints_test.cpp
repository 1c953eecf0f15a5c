#include "tools/operator/node_taints.h"

#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using namespace std::chrono_literals;

namespace {

const NodeTaints::Instant kStart{};

TaintView node(const std::string& name, bool tainted, bool had_agent = true) {
  return {.name = name, .tainted = tainted, .had_agent = had_agent};
}

AgentPod pod(const std::string& node, bool ready) {
  return {.name = "kube-system/pellicle-" + node, .node = node, .ready = ready};
}

const std::vector<TaintChange> kNothing;

}  // namespace

TEST_CASE("a Node loses the taint once a pod of the agents is ready there") {
  NodeTaints taints({.remove = true});
  taints.nodes_listed({node("a", true, false), node("b", false), node("c", true)});
  CHECK(taints.due(kStart) == kNothing);  // the pods are not listed yet
  taints.pods_listed({pod("a", false), pod("b", true)});
  CHECK(taints.due(kStart) == kNothing);
  taints.pod_changed(pod("a", true), false);
  CHECK(taints.due(kStart) == std::vector{TaintChange{"a", false}});
  CHECK(taints.due(kStart) == std::vector{TaintChange{"a", false}});  // until the Node shows it
  taints.node_changed(node("a", false), false);
  CHECK(taints.due(kStart) == kNothing);
}

TEST_CASE("a Node gets it back when no agent has been ready for the set time") {
  NodeTaints taints({.remove = true, .put_after = 5min});
  taints.nodes_listed({node("a", false), node("foreign", false, false)});
  taints.pods_listed({pod("a", true)});
  CHECK(taints.due(kStart) == kNothing);
  taints.pod_changed(pod("a", false), false);
  CHECK(taints.due(kStart + 1h) == kNothing);  // the time counts from when the operator saw it
  CHECK(taints.due(kStart + 1h + 299s) == kNothing);
  CHECK(taints.due(kStart + 1h + 5min) == std::vector{TaintChange{"a", true}});
  taints.node_changed(node("a", true), false);
  CHECK(taints.due(kStart + 2h) == kNothing);
  taints.pod_changed(pod("a", true), false);
  CHECK(taints.due(kStart + 2h) == std::vector{TaintChange{"a", false}});
}

TEST_CASE("an agent that is replaced in time leaves the Node as it is") {
  NodeTaints taints({.remove = true, .put_after = 5min});
  taints.nodes_listed({node("a", false)});
  taints.pods_listed({pod("a", true)});
  taints.pod_changed(pod("a", true), true);
  CHECK(taints.due(kStart + 1min) == kNothing);
  taints.pod_changed(pod("a", true), false);
  CHECK(taints.due(kStart + 2min) == kNothing);
  taints.pod_changed(pod("a", true), true);
  CHECK(taints.due(kStart + 6min) == kNothing);
  taints.node_changed(node("a", false), true);
  CHECK(taints.due(kStart + 2h) == kNothing);
}

TEST_CASE("what the chart does not ask for is not done") {
  NodeTaints only_put({.remove = false, .put_after = 1min});
  only_put.nodes_listed({node("a", true)});
  only_put.pods_listed({pod("a", true)});
  CHECK(only_put.due(kStart) == kNothing);
  NodeTaints only_remove({.remove = true});
  only_remove.nodes_listed({node("a", false)});
  only_remove.pods_listed({});
  CHECK(only_remove.due(kStart) == kNothing);
  CHECK(only_remove.due(kStart + 1000h) == kNothing);
}

TEST_CASE("Nodes and pods are read") {
  const auto tainted = TaintView::of(
      {.name = "a", .text = R"({"spec": {"taints": [{"key": "node.cilium.io/agent-not-ready"}]},
                   "metadata": {"annotations": {"network.cilium.io/ipv4-cilium-host": "10.0.1.1"}}})"});
  CHECK(tainted.tainted);
  CHECK(tainted.had_agent);
  CHECK_FALSE(TaintView::of({.name = "a", .text = "{}"}).had_agent);
  const auto ready = [](const std::string& metadata, const std::string& status) {
    return AgentPod::of({.name = "kube-system/p",
                         .text = R"({"metadata": {)" + metadata +
                                 R"(}, "spec": {"nodeName": "a"}, "status": {"conditions":
                                 [{"type": "Ready", "status": ")" +
                                 status + R"("}]}})"})
        .ready;
  };
  CHECK(ready("", "True"));
  CHECK_FALSE(ready("", "False"));
  CHECK_FALSE(ready(R"("deletionTimestamp": "2026-11-30T00:00:00Z")", "True"));
  for (const char* odd : {"", "[]", "{}", R"({"spec": 5, "status": {"conditions": 5}})"}) {
    CHECK_FALSE(AgentPod::of({.name = "p", .text = odd}).ready);
  }
}

}  // namespace this_file
