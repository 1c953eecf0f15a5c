#include "agent/desired/local_view.h"

namespace pellicle {

namespace {

// Marked packets are looked up in table 200 before `lookup local`, which therefore stands at 100:
// what is addressed to this node but marked as ESP must meet table 200's local route first.
constexpr uint32_t kMarkRulePriority = 1;
constexpr uint32_t kLocalRulePriority = 100;

}  // namespace

LocalRule local_rule() {
  return {.priorities = {kLocalRulePriority}};
}

Table<Rule> mark_rules(Family family) {
  Table<Rule> table;
  for (const auto& mark : {kDecryptMark, kEncryptMark}) {
    table.emplace(
        Rule::Key{
            .family = family, .priority = kMarkRulePriority, .mark = mark, .table = kEncryptTable},
        Rule{});
  }
  return table;
}

Table<LocalRule> local_rules(const LocalView& view) {
  Table<LocalRule> table;
  for (const auto& own : view.families) table[{own.family()}] = local_rule();
  return table;
}

Table<Rule> rules(const LocalView& view) {
  Table<Rule> table;
  for (const auto& own : view.families) table.merge(mark_rules(own.family()));
  return table;
}

}  // namespace pellicle
