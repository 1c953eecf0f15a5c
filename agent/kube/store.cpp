#include "agent/kube/store.h"

namespace pellicle {

Store::Known Store::known(const ApiObject& object, const std::map<std::string, Known>& before) {
  auto decoded = decode_node(object);
  const auto last = before.find(object.name);
  return {.node = merged(last == before.end() ? Node{} : last->second.node, decoded),
          .problems = std::move(decoded.problems),
          .annotations = std::move(decoded.annotations)};
}

void Store::nodes_listed(const std::vector<ApiObject>& objects) {
  std::map<std::string, Known> listed;
  for (const auto& object : objects) listed[object.name] = known(object, nodes_);
  nodes_ = std::move(listed);
  nodes_listed_ = true;
}

void Store::node_changed(const ApiObject& object, bool deleted) {
  if (deleted) {
    nodes_.erase(object.name);
  } else {
    nodes_[object.name] = known(object, nodes_);
  }
}

void Store::secret_listed(const std::vector<ApiObject>& objects) {
  secret_listed_ = true;
  if (objects.empty()) return secret_missing();
  secret_changed(objects.front(), false);
}

void Store::secret_changed(const ApiObject& object, bool deleted) {
  if (deleted) return secret_missing();
  auto accepted = accept_key(key_, decode_secret(object, weak_));
  key_ = std::move(accepted.key);
  key_problems_ = std::move(accepted.problems);
}

void Store::secret_missing() {
  key_problems_ = {{.object = kKeySecret,
                    .field = "",
                    .sentence = key_ ? "not found; the last good key stays in use"
                                     : "not found; pod packets to other nodes are dropped until it "
                                       "is created"}};
}

void Store::resume_key(const IpsecKey& key) {
  if (!key_) key_ = key;
}

std::optional<ClusterSnapshot> Store::snapshot() const {
  if (!nodes_listed_ || !secret_listed_) return std::nullopt;
  ClusterSnapshot all{.nodes = {}, .key = key_, .problems = {}};
  for (const auto& [name, known] : nodes_) {
    all.nodes[name] = known.node;
    all.problems.insert(all.problems.end(), known.problems.begin(), known.problems.end());
  }
  all.problems.insert(all.problems.end(), key_problems_.begin(), key_problems_.end());
  return all;
}

Annotations Store::annotations(const std::string& node) const {
  const auto found = nodes_.find(node);
  return found == nodes_.end() ? Annotations{} : found->second.annotations;
}

}  // namespace pellicle
