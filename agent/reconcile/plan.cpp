#include "agent/reconcile/plan.h"

namespace pellicle {

namespace {

// Walks both tables at once, as both are ordered by key. Calls `visit` (action, key, value) with
// the wanted value; for a removal with the actual value.
template <class Kind, class Visit>
void for_each_difference(const Table<Kind>& desired, const Table<Kind>& actual,
                         const Visit& visit) {
  auto there = actual.begin();
  const auto remove_before = [&](const typename Kind::Key* key) {  // null: all remaining
    for (; there != actual.end() && (!key || there->first < *key); ++there) {
      visit(Action::remove, there->first, there->second);
    }
  };
  for (const auto& [key, wanted] : desired) {
    remove_before(&key);
    if (there == actual.end() || key < there->first) {
      visit(Action::add, key, wanted);
    } else {
      if (there->second != wanted) visit(Action::replace, key, wanted);
      ++there;
    }
  }
  remove_before(nullptr);
}

}  // namespace

Plan plan(const KernelState& desired, const KernelState& actual) {
  // Counts first: a plan for thousands of peers is megabytes, and would be copied as it grows.
  size_t changes = 0;
  size_t removals = 0;
  for_each_table([&](const char*, auto table) {
    for_each_difference(desired.*table, actual.*table,
                        [&](Action action, const auto&, const auto&) {
                          ++(action == Action::remove ? removals : changes);
                        });
  });
  if (changes + removals == 0) return {};
  Plan result(changes + removals);
  auto next = result.begin();
  auto last = result.end();
  for_each_table([&](const char*, auto table) {
    for_each_difference(
        desired.*table, actual.*table,
        [&]<class Kind>(Action action, const typename Kind::Key& key, const Kind& value) {
          auto& place = action == Action::remove ? *--last : *next++;
          place = Change<Kind>{action, key, value};
        });
  });
  return result;
}

}  // namespace pellicle
