#include "tools/operator/node_taints.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "agent/kube/decode.h"

namespace pellicle {
namespace {

using nlohmann::json;

json at(const json& object, const char* pointer) {
  const json::json_pointer path(pointer);
  return object.is_object() && object.contains(path) ? object[path] : json();
}

bool is_ready(const json& pod) {
  const auto conditions = at(pod, "/status/conditions");
  return conditions.is_array() &&
         std::any_of(conditions.begin(), conditions.end(), [](const json& each) {
           return each.is_object() && each.value("type", json()) == kReadyCondition &&
                  each.value("status", json()) == "True";
         });
}

}  // namespace

TaintView TaintView::of(const ApiObject& node) {
  const auto decoded = decode_node(node);
  const auto says = [&](std::string_view annotation) {
    return decoded.annotations.contains(std::string(kPrefix) + std::string(annotation));
  };
  return {.name = node.name,
          .tainted = decoded.not_ready_taint,
          .had_agent = says(kRouterAnnotation) || says(kRouter6Annotation)};
}

AgentPod AgentPod::of(const ApiObject& pod) {
  const auto parsed = json::parse(pod.text, nullptr, /*allow_exceptions=*/false);
  const auto node = at(parsed, "/spec/nodeName");
  // A pod being deleted still reports ready while it answers, but stops soon.
  const bool leaves = at(parsed, "/metadata/deletionTimestamp").is_string();
  return {.name = pod.name,
          .node = node.is_string() ? node.get<std::string>() : "",
          .ready = is_ready(parsed) && !leaves};
}

void NodeTaints::nodes_listed(const std::vector<TaintView>& nodes) {
  nodes_.emplace();
  for (const auto& node : nodes) (*nodes_)[node.name] = node;
  std::erase_if(unserved_since_, [&](const auto& each) { return !nodes_->contains(each.first); });
}

void NodeTaints::node_changed(const TaintView& node, bool deleted) {
  if (!nodes_) return;
  if (!deleted) {
    (*nodes_)[node.name] = node;
    return;
  }
  nodes_->erase(node.name);
  unserved_since_.erase(node.name);
}

void NodeTaints::pods_listed(const std::vector<AgentPod>& pods) {
  pods_.emplace();
  for (const auto& pod : pods) (*pods_)[pod.name] = pod;
}

void NodeTaints::pod_changed(const AgentPod& pod, bool deleted) {
  if (!pods_) return;
  if (deleted) {
    pods_->erase(pod.name);
  } else {
    (*pods_)[pod.name] = pod;
  }
}

std::vector<TaintChange> NodeTaints::due(Instant now) {
  std::vector<TaintChange> all;
  if (!nodes_ || !pods_) return all;
  std::set<std::string> served;
  for (const auto& [name, pod] : *pods_) {
    if (pod.ready) served.insert(pod.node);
  }
  for (const auto& [name, node] : *nodes_) {
    if (served.contains(name)) {
      unserved_since_.erase(name);
      if (node.tainted && policy_.remove) all.push_back({.node = name, .put = false});
      continue;
    }
    const auto since = unserved_since_.emplace(name, now).first->second;
    const bool long_ago = policy_.put_after.count() > 0 && now - since >= policy_.put_after;
    if (long_ago && node.had_agent && !node.tainted) all.push_back({.node = name, .put = true});
  }
  return all;
}

}  // namespace pellicle
