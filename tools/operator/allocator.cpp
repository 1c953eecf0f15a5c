#include "tools/operator/allocator.h"

#include <algorithm>
#include <tuple>

namespace pellicle {

namespace {

constexpr const char* kConflict = "CIDRConflict";
constexpr const char* kExhausted = "CIDRNotAvailable";
constexpr const char* kFailed = "CIDRAssignmentFailed";

const Cidr* of_family(const std::vector<Cidr>& cidrs, Family family) {
  const auto found = std::find_if(cidrs.begin(), cidrs.end(),
                                  [&](const Cidr& cidr) { return cidr.family() == family; });
  return found == cidrs.end() ? nullptr : &*found;
}

bool includes(const std::vector<Cidr>& all, const std::vector<Cidr>& some) {
  return std::all_of(some.begin(), some.end(), [&](const Cidr& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
  });
}

Finding finding(const NodeView& node, const char* reason, std::string sentence) {
  return {.node = node.name, .uid = node.uid, .reason = reason, .sentence = std::move(sentence)};
}

}  // namespace

Allocator::Allocator(std::vector<CidrPool> pools, std::vector<Cidr> reserved)
    : pools_(std::move(pools)), reserved_(std::move(reserved)) {}

void Allocator::listed(std::vector<NodeView> nodes) {
  std::set<std::string> names;
  for (const auto& node : nodes) names.insert(node.name);
  std::vector<std::string> gone;
  for (const auto& [name, node] : nodes_) {
    if (!names.contains(name)) gone.push_back(name);
  }
  for (const auto& name : gone) removed(name);
  for (auto& node : nodes) changed(std::move(node));
}

void Allocator::changed(NodeView node) {
  const auto before = nodes_.find(node.name);
  if (before != nodes_.end()) {
    const bool same = before->second.uid == node.uid;
    if (!same || !includes(node.pod_cidrs, before->second.pod_cidrs)) release(before->second);
  }
  keep_promise(node);
  nodes_[node.name] = std::move(node);
}

void Allocator::removed(const std::string& name) {
  const auto gone = nodes_.extract(name);
  if (gone.empty()) return;
  release(gone.mapped());
  const auto promise = promises_.extract(name);
  if (promise.empty()) return;
  release({.name = name, .pod_cidrs = promise.mapped().pod_cidrs});
}

// A promise ends when spec.podCIDRs is set, to any value, or when the Node was deleted and made
// again.
void Allocator::keep_promise(const NodeView& node) {
  const auto found = promises_.find(node.name);
  if (found == promises_.end()) return;
  if (found->second.uid == node.uid && !node.in_spec) return;
  auto unused = std::move(found->second.pod_cidrs);
  promises_.erase(found);
  std::erase_if(unused, [&](const Cidr& cidr) { return includes(node.pod_cidrs, {cidr}); });
  release({.name = node.name, .pod_cidrs = std::move(unused)});
}

void Allocator::refused(const std::string& node) {
  promises_.erase(node);
}

void Allocator::release(const NodeView& before) {
  for (const auto& cidr : before.pod_cidrs) {
    const bool ours = std::any_of(pools_.begin(), pools_.end(),
                                  [&](const CidrPool& pool) { return pool.has(cidr); });
    if (ours) released_[cidr] = {.turn = ++turns_, .node = before.name};
  }
}

std::vector<const NodeView*> Allocator::by_trust() const {
  std::vector<const NodeView*> nodes;
  nodes.reserve(nodes_.size());
  for (const auto& [name, node] : nodes_) nodes.push_back(&node);
  std::stable_sort(nodes.begin(), nodes.end(), [](const NodeView* a, const NodeView* b) {
    return std::tie(a->silent, a->created) < std::tie(b->silent, b->created);
  });
  return nodes;
}

bool Allocator::serves(Family family) const {
  return std::any_of(pools_.begin(), pools_.end(),
                     [&](const CidrPool& pool) { return pool.family() == family; });
}

bool Allocator::complete(const NodeView& node) const {
  return node.in_spec && std::all_of(kFamilies.begin(), kFamilies.end(), [&](Family family) {
           return !serves(family) || of_family(node.pod_cidrs, family) != nullptr;
         });
}

void Allocator::claim_pods(const NodeView& node, Claims& claims, AllocationPlan& plan) {
  for (const auto& cidr : node.pod_cidrs) {
    const auto holder = claims.claim_cidr(cidr, node.name);
    if (holder.empty()) continue;
    disputed_.insert(node.name);
    plan.findings.push_back(finding(
        node, kConflict,
        "PodCIDR " + cidr.to_string() + " overlaps " + holder +
            ", which is believed; nothing is changed on either. Delete this Node and let it "
            "register again to get another one"));
  }
}

// A promised PodCIDR counts as the Node's, unless another Node has it.
void Allocator::claim_promise(const NodeView& node, Claims& claims) {
  const auto promise = promises_.find(node.name);
  if (promise == promises_.end()) return;
  for (const auto& cidr : promise->second.pod_cidrs) {
    if (includes(node.pod_cidrs, {cidr}) || claims.claim_cidr(cidr, node.name).empty()) continue;
    promises_.erase(promise);
    return;
  }
}

AllocationPlan Allocator::plan() {
  AllocationPlan plan;
  Claims claims;
  disputed_.clear();
  const auto nodes = by_trust();
  for (const auto* node : nodes) {
    for (const auto& address : node->addresses) claims.claim_address(address, node->name);
  }
  for (const auto* node : nodes) claim_pods(*node, claims, plan);
  for (const auto* node : nodes) claim_promise(*node, claims);
  Cursors cursors(pools_.size(), 0);
  for (const auto* node : nodes) serve(*node, claims, cursors, plan);
  return plan;
}

void Allocator::serve(const NodeView& node, Claims& claims, Cursors& cursors,
                      AllocationPlan& plan) {
  if (!node.unreadable.empty()) {
    plan.findings.push_back(finding(node, kFailed, node.unreadable));
    return;
  }
  if (complete(node) || disputed_.contains(node.name)) return;
  if (!promises_.contains(node.name)) {
    auto chosen = choose(node, claims, cursors, plan);
    if (chosen.empty()) return;
    promises_[node.name] = {.uid = node.uid, .pod_cidrs = std::move(chosen)};
  }
  plan.assignments.push_back({.node = node, .pod_cidrs = promises_[node.name].pod_cidrs});
}

// All PodCIDRs for the Node; empty when one of them is not available.
std::vector<Cidr> Allocator::choose(const NodeView& node, Claims& claims, Cursors& cursors,
                                    AllocationPlan& plan) {
  std::vector<Cidr> all;
  std::vector<Cidr> taken;
  const auto give_up = [&](const char* reason, const std::string& sentence) {
    plan.findings.push_back(finding(node, reason, sentence));
    release({.name = node.name, .pod_cidrs = taken});
    return std::vector<Cidr>{};
  };
  for (const auto family : kFamilies) {
    const std::string name = family_name(family);
    if (const auto* present = of_family(node.pod_cidrs, family)) {
      all.push_back(*present);
    } else if (!serves(family)) {
      continue;
    } else if (node.in_spec) {
      return give_up(kFailed,
                     "spec.podCIDRs has no " + name + " network, and can be set only once");
    } else if (const auto free = take(family, node.name, claims, cursors)) {
      all.push_back(*free);
      taken.push_back(*free);
    } else {
      return give_up(kExhausted, "every " + name +
                                     " PodCIDR of the pool is in use; add a network to the pool or "
                                     "delete Nodes that have gone");
    }
  }
  return all;
}

bool Allocator::free(const Cidr& cidr, const std::string& node, Claims& claims) const {
  return std::none_of(reserved_.begin(), reserved_.end(),
                      [&](const Cidr& each) { return each.overlaps(cidr); }) &&
         claims.claim_cidr(cidr, node).empty();
}

// The PodCIDR that was freed first; with `node`, only of those that this Node had.
std::optional<Cidr> Allocator::take_released(Family family, const std::string* node,
                                             Claims& claims) {
  std::map<uint64_t, Cidr> turns;
  for (const auto& [cidr, released] : released_) {
    const bool wanted = node == nullptr || released.node == *node;
    if (cidr.family() == family && wanted) turns.emplace(released.turn, cidr);
  }
  for (const auto& [turn, cidr] : turns) {
    if (!free(cidr, node == nullptr ? "" : *node, claims)) continue;
    released_.erase(cidr);
    return cidr;
  }
  return std::nullopt;
}

// Prefers a PodCIDR that the same Node had, because its pods may still run; then the lowest never
// assigned; then the one freed first, so that other nodes have time to forget its addresses.
std::optional<Cidr> Allocator::take(Family family, const std::string& node, Claims& claims,
                                    Cursors& cursors) {
  if (auto own = take_released(family, &node, claims)) return own;
  for (size_t i = 0; i < pools_.size(); ++i) {
    if (pools_[i].family() != family) continue;
    while (cursors[i] < pools_[i].size()) {
      const auto cidr = pools_[i].at(cursors[i]++);
      if (!released_.contains(cidr) && free(cidr, node, claims)) return cidr;
    }
  }
  return take_released(family, nullptr, claims);
}

// PodCIDRs of existing Nodes, and promised ones.
std::set<Cidr> Allocator::held() const {
  std::set<Cidr> held;
  for (const auto& [name, node] : nodes_) held.insert(node.pod_cidrs.begin(), node.pod_cidrs.end());
  for (const auto& [name, promise] : promises_) {
    held.insert(promise.pod_cidrs.begin(), promise.pod_cidrs.end());
  }
  return held;
}

PoolRecord Allocator::record() const {
  auto used = held();
  std::map<uint64_t, FreedCidr> turns;
  for (const auto& [cidr, released] : released_) {
    if (!used.contains(cidr)) turns.emplace(released.turn, FreedCidr{cidr, released.node});
  }
  std::vector<FreedCidr> freed;
  freed.reserve(turns.size());
  for (const auto& [turn, each] : turns) freed.push_back(each);
  for (const auto& [cidr, node] : freed) used.insert(cidr);
  return {.used = used_text(pools_, used), .freed = freed_text(freed)};
}

void Allocator::remember(const PoolRecord& record) {
  const auto add = [this](const Cidr& cidr, const std::string& node) {
    if (!released_.contains(cidr)) released_[cidr] = {.turn = ++turns_, .node = node};
  };
  for (const auto& [cidr, node] : read_freed(pools_, record.freed)) add(cidr, node);
  for (const auto& cidr : read_used(pools_, record.used)) add(cidr, "");
}

std::map<Family, ClusterPoolUse> Allocator::use() const {
  std::map<Family, ClusterPoolUse> use;
  for (const auto& pool : pools_) use[pool.family()].size += pool.size();
  for (const auto& cidr : held()) {
    const bool ours = std::any_of(pools_.begin(), pools_.end(),
                                  [&](const CidrPool& pool) { return pool.has(cidr); });
    if (ours) ++use[cidr.family()].used;
  }
  return use;
}

}  // namespace pellicle
