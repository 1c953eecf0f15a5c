#include "agent/kube/store.h"

namespace pellicle {

void Store::secret_listed(const std::vector<ApiObject>& objects) {
  secret_listed_ = true;
  if (objects.empty()) return secret_missing();
  secret_changed(objects.front(), false);
}

void Store::secret_changed(const ApiObject& object, bool deleted) {
  if (deleted) return secret_missing();
  offered_ = decode_secret(object, weak_);
  consider_offer();
}

void Store::secret_missing() {
  offered_.reset();
  unconfirmed_.reset();
  key_problems_ = {{.object = kKeySecret,
                    .field = "",
                    .sentence = !ring_.empty()
                                    ? "not found; the last good key stays in use"
                                    : "not found; pod packets to other nodes are dropped until it "
                                      "is created"}};
}

std::vector<IpsecKey> Store::retire_keys(const KeyRing::Observation& seen,
                                         std::chrono::milliseconds patience) {
  auto retired = ring_.retire(seen, patience);
  if (!retired.empty()) consider_offer();
  return retired;
}

void Store::consider_offer() {
  unconfirmed_.reset();
  if (!offered_) return;
  const auto& key = offered_->key;
  if (key && !ring_.newest() && ring_.inherited().contains(key->id)) {
    unconfirmed_ = key;
    key_problems_.clear();
  } else {
    key_problems_ = accept_key(ring_, *offered_);
  }
}

void Store::confirm_key(bool same) {
  if (!unconfirmed_) return;
  unconfirmed_.reset();
  if (same) {
    key_problems_ = accept_key(ring_, *offered_);
    return;
  }
  key_problems_ = {{.object = kKeySecret,
                    .field = kKeyField,
                    .sentence = "the key has changed but its id " +
                                std::to_string(offered_->key->id) +
                                " has not; increment the key id; the key before it stays in use"}};
}

std::optional<ClusterSnapshot> Store::snapshot() const {
  if (!all_understood_ || !secret_listed_ || (own_apart_ && !own_listed_)) return std::nullopt;
  ClusterSnapshot all{.nodes = {},
                      .key = ring_.newest(),
                      .older_keys = ring_.older(),
                      .inherited_keys = ring_.inherited(),
                      .problems = {}};
  for (const auto& each : nodes_) {
    const auto& [name, known] = each;
    if (!understood(each)) continue;
    all.nodes[name] = known.node;
    all.problems.insert(all.problems.end(), known.problems.begin(), known.problems.end());
  }
  all.problems.insert(all.problems.end(), key_problems_.begin(), key_problems_.end());
  return all;
}

std::optional<Node> Store::node(const std::string& name) const {
  const auto found = nodes_.find(name);
  if (found == nodes_.end() || !understood(*found)) return std::nullopt;
  return found->second.node;
}

Annotations Store::annotations() const {
  const auto found = nodes_.find(own_node_);
  return found == nodes_.end() ? Annotations{} : found->second.annotations;
}

std::vector<std::string> Store::internal_ips() const {
  const auto found = nodes_.find(own_node_);
  return found == nodes_.end() ? std::vector<std::string>{} : found->second.internal_ips;
}

bool Store::network_unavailable(const std::string& node) const {
  const auto found = nodes_.find(node);
  return found != nodes_.end() && found->second.network_unavailable;
}

bool Store::tainted(const std::string& node) const {
  const auto found = nodes_.find(node);
  return found != nodes_.end() && found->second.tainted;
}

}  // namespace pellicle
