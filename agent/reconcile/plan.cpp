#include "agent/reconcile/plan.h"

#include <algorithm>

namespace pellicle {

namespace {

// Both tables are in the order of their keys: one walk along the two. `visit` (action, key, value)
// for what is to be made or changed.
template <class Kind, class Visit>
void for_each_change(const Table<Kind>& desired, const Table<Kind>& actual, const Visit& visit) {
  auto there = actual.begin();
  for (const auto& [key, wanted] : desired) {
    while (there != actual.end() && there->first < key) ++there;
    if (there == actual.end() || key < there->first) {
      visit(Action::add, key, wanted);
    } else if (there->second != wanted) {
      visit(Action::replace, key, wanted);
    }
  }
}

template <class Kind, class Visit>
void for_each_removal(const Table<Kind>& desired, const Table<Kind>& actual, const Visit& visit) {
  auto stays = desired.begin();
  for (const auto& [key, present] : actual) {
    while (stays != desired.end() && stays->first < key) ++stays;
    if (stays != desired.end() && !(key < stays->first)) continue;
    visit(Action::remove, key, present);
  }
}

}  // namespace

Plan plan(const KernelState& desired, const KernelState& actual) {
  // Counted first: a plan for thousands of peers is megabytes, and would be copied as it grows.
  size_t size = 0;
  const auto count = [&](Action, const auto&, const auto&) { ++size; };
  for_each_table([&](const char*, auto table) {
    for_each_change(desired.*table, actual.*table, count);
    for_each_removal(desired.*table, actual.*table, count);
  });
  Plan result;
  result.reserve(size);
  const auto append = [&]<class Kind>(Action action, const typename Kind::Key& key,
                                      const Kind& value) {
    result.push_back(Change<Kind>{action, key, value});
  };
  for_each_table(
      [&](const char*, auto table) { for_each_change(desired.*table, actual.*table, append); });
  const auto changes = static_cast<Plan::difference_type>(result.size());
  for_each_table(
      [&](const char*, auto table) { for_each_removal(desired.*table, actual.*table, append); });
  std::reverse(result.begin() + changes, result.end());
  return result;
}

}  // namespace pellicle
