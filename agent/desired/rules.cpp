#include "agent/desired/local_view.h"

namespace pellicle {

namespace {

// Marked packets are looked up in table 200 before `lookup local`, which therefore stands at 100:
// what is addressed to this node but marked as ESP must meet table 200's local route first.
constexpr uint32_t kMarkRulePriority = 1;
constexpr uint32_t kLocalRulePriority = 100;

}  // namespace

Table<LocalRule> local_rules(const LocalView& view) {
  Table<LocalRule> table;
  for (const auto& own : view.families) {
    table[{.family = own.family()}] = {.priorities = {kLocalRulePriority}};
  }
  return table;
}

Table<Rule> rules(const LocalView& view) {
  Table<Rule> table;
  for (const auto& own : view.families) {
    for (const auto& mark : {kDecryptMark, kEncryptMark}) {
      table.emplace(Rule::Key{.family = own.family(),
                              .priority = kMarkRulePriority,
                              .mark = mark,
                              .table = kEncryptTable},
                    Rule{});
    }
  }
  return table;
}

}  // namespace pellicle
