#include "agent/reconcile/plan.h"

#include <algorithm>

namespace pellicle {

namespace {

// Both tables are in the order of their keys: one walk along the two.
template <class Kind>
void append_changes(const Table<Kind>& desired, const Table<Kind>& actual, Plan& plan) {
  auto there = actual.begin();
  for (const auto& [key, wanted] : desired) {
    while (there != actual.end() && there->first < key) ++there;
    if (there == actual.end() || key < there->first) {
      plan.push_back(Change<Kind>{Action::add, key, wanted});
    } else if (there->second != wanted) {
      plan.push_back(Change<Kind>{Action::replace, key, wanted});
    }
  }
}

template <class Kind>
void append_removals(const Table<Kind>& desired, const Table<Kind>& actual, Plan& plan) {
  auto stays = desired.begin();
  for (const auto& [key, present] : actual) {
    while (stays != desired.end() && stays->first < key) ++stays;
    if (stays != desired.end() && !(key < stays->first)) continue;
    plan.push_back(Change<Kind>{Action::remove, key, present});
  }
}

}  // namespace

Plan plan(const KernelState& desired, const KernelState& actual) {
  Plan result;
  for_each_table(
      [&](const char*, auto table) { append_changes(desired.*table, actual.*table, result); });
  const auto changes = static_cast<Plan::difference_type>(result.size());
  for_each_table(
      [&](const char*, auto table) { append_removals(desired.*table, actual.*table, result); });
  std::reverse(result.begin() + changes, result.end());
  return result;
}

}  // namespace pellicle
