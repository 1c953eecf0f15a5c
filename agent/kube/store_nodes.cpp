// The Nodes of the Store: as listed and watched, and read in full where their metadata is not
// enough.
#include <algorithm>

#include "agent/kube/store.h"
#include "agent/model/rivals.h"

namespace pellicle {
namespace {

Beyond read_beyond(const Node& last_good, DecodedNode decoded) {
  auto more = beyond(merged(last_good, decoded));
  for (auto& problem : decoded.problems) {
    if (!problem.field.starts_with("metadata.")) more.problems.push_back(std::move(problem));
  }
  return more;
}

}  // namespace

Store::Known Store::known(const ApiObject& object) {
  auto decoded = decode_node(object, node_addresses_);
  const auto last = nodes_.find(object.name);
  const bool lacks_addresses = object.metadata_only && decoded.lacks_addresses;
  Known known{.node = merged(last == nodes_.end() ? Node{} : last->second.node, decoded),
              .problems = std::move(decoded.problems),
              .annotations = {},
              .internal_ips = {},
              .tainted = decoded.not_ready_taint,
              .network_unavailable = decoded.network_unavailable,
              .metadata_only = object.metadata_only,
              .lacks_addresses = lacks_addresses};
  if (object.name == own_node_) {
    known.annotations = std::move(decoded.annotations);
    known.internal_ips = std::move(decoded.internal_ips);
  }
  // Until it is read, a Node that no longer says its addresses keeps them.
  if (lacks_addresses && last != nodes_.end() && !last->second.lacks_addresses) {
    beyond_.try_emplace(object.name, beyond(last->second.node));
  }
  extend(object.name, known);
  return known;
}

void Store::extend(const std::string& name, Known& known) const {
  const auto found = beyond_.find(name);
  if (!known.metadata_only || found == beyond_.end()) return;
  const auto& more = found->second;
  known.node.silent = more.silent;
  if (!known.lacks_addresses) return;
  known.node.pod_cidrs = more.pod_cidrs;
  known.node.internal_ipv4 = more.internal_ipv4;
  known.node.internal_ipv6 = more.internal_ipv6;
  known.problems.insert(known.problems.end(), more.problems.begin(), more.problems.end());
}

void Store::nodes_listed(const std::vector<ApiObject>& objects) {
  Nodes listed;
  for (const auto& object : objects) {
    if (comes_apart(object.name)) continue;
    const auto& now = listed[object.name] = known(object);
    follow(object, now);
  }
  if (own_apart_) {
    if (auto own = nodes_.extract(own_node_)) listed.insert(std::move(own));
  }
  const auto gone = [&](const auto& each) { return !listed.contains(each.first); };
  std::erase_if(beyond_, gone);
  std::erase_if(versions_, gone);
  nodes_ = std::move(listed);
  nodes_listed_ = true;
  look_for_rivals();
}

bool Store::node_changed(const ApiObject& object, bool deleted) {
  if (comes_apart(object.name)) return false;
  return deleted ? remove(object.name) : take(object);
}

void Store::own_node_listed(const std::vector<ApiObject>& objects) {
  own_listed_ = true;
  if (objects.empty()) {
    remove(own_node_);
  } else {
    take(objects.front());
  }
}

bool Store::own_node_changed(const ApiObject& object, bool deleted) {
  return deleted ? remove(object.name) : take(object);
}

bool Store::take(const ApiObject& object) {
  auto now = known(object);
  follow(object, now);
  const auto before = nodes_.find(object.name);
  if (before != nodes_.end() && before->second == now) return false;
  const auto& stored = *nodes_.insert_or_assign(object.name, std::move(now)).first;
  look_for_understanding();
  return understood(stored);
}

bool Store::remove(const std::string& name) {
  beyond_.erase(name);
  versions_.erase(name);
  rivals_.erase(name);
  const bool known = nodes_.erase(name) > 0;
  look_for_understanding();
  return known;
}

// Notes the version of a Node that has to be read in full.
void Store::follow(const ApiObject& object, const Known& known) {
  const bool matters = known.lacks_addresses || rivals_.contains(object.name);
  if (known.metadata_only && matters) {
    versions_[object.name] = version_of(object);
  } else {
    versions_.erase(object.name);
  }
}

std::map<std::string, Store::Unclear> Store::unclear() const {
  std::map<std::string, Unclear> all;
  for (const auto& [name, version] : versions_) {
    all[name] = {.version = version, .rival = rivals_.contains(name)};
  }
  return all;
}

bool Store::node_read(const std::string& name, const std::optional<ApiObject>& object) {
  const auto found = nodes_.find(name);
  if (found == nodes_.end() || !found->second.metadata_only) return false;
  const bool was_understood = understood(*found);
  beyond_[name] =
      object ? read_beyond(found->second.node, decode_node(*object, node_addresses_)) : Beyond{};
  auto now = found->second;
  std::erase_if(now.problems,
                [](const Problem& each) { return !each.field.starts_with("metadata."); });
  extend(name, now);
  const bool changed = !was_understood || now != found->second;
  found->second = std::move(now);
  look_for_understanding();
  return changed;
}

void Store::look_for_rivals() {
  std::vector<const Node*> nodes;
  nodes.reserve(nodes_.size());
  for (const auto& [name, known] : nodes_) nodes.push_back(&known.node);
  rivals_ = rivals(nodes);
  std::erase_if(versions_, [this](const auto& each) {
    return !nodes_.at(each.first).lacks_addresses && !rivals_.contains(each.first);
  });
  for (const auto& name : rivals_) {
    if (nodes_.at(name).metadata_only) versions_.try_emplace(name);
  }
  look_for_understanding();
}

bool Store::understood(const Nodes::value_type& node) const {
  return !node.second.lacks_addresses || beyond_.contains(node.first);
}

void Store::look_for_understanding() {
  if (all_understood_ || !nodes_listed_) return;
  const bool read = std::all_of(versions_.begin(), versions_.end(),
                                [this](const auto& each) { return beyond_.contains(each.first); });
  if (!read) return;
  all_understood_ = true;
}

}  // namespace pellicle
