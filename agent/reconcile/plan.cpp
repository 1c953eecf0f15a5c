#include "agent/reconcile/plan.h"

#include <algorithm>

namespace pellicle {

namespace {

template <class Kind>
void append_changes(const Table<Kind>& desired, const Table<Kind>& actual, Plan& plan) {
  for (const auto& [key, wanted] : desired) {
    const auto found = actual.find(key);
    if (found == actual.end()) {
      plan.push_back(Change<Kind>{Action::add, key, wanted});
    } else if (found->second != wanted) {
      plan.push_back(Change<Kind>{Action::replace, key, wanted});
    }
  }
}

template <class Kind>
void append_removals(const Table<Kind>& desired, const Table<Kind>& actual, Plan& plan) {
  for (const auto& [key, present] : actual) {
    if (!desired.contains(key)) plan.push_back(Change<Kind>{Action::remove, key, present});
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
