#include <algorithm>

#include "agent/desired/local_view.h"
#include "agent/desired/settings.h"

namespace pellicle {

namespace {

// What was programmed there sends marked packets to it.
bool has_encrypt_table(const KernelState& actual, Family family) {
  return std::any_of(actual.routes.begin(), actual.routes.end(), [&](const auto& route) {
    return route.first.table == kEncryptTable && route.first.dst.family() == family;
  });
}

// An answer of the API server is for an address of this node: nothing is heard without the rule.
void keep_rules(const KernelState& actual, Family family, KernelState& kept) {
  const auto local = actual.local_rules.find({family});
  const bool missing = local != actual.local_rules.end() && local->second.priorities.empty();
  if (has_encrypt_table(actual, family)) {
    kept.local_rules[{family}] = local_rule();
    for (const auto& [key, rule] : mark_rules(family)) kept.rules[key] = rule;
  } else if (missing) {
    kept.local_rules[{family}] = {.priorities = {kLocalRuleBornAt}};
  }
}

}  // namespace

KernelState kept(const KernelState& actual) {
  KernelState kept = actual;
  kept.block_policies = block_policies();
  for (auto& [key, sysctl] : kept.sysctls) sysctl = setting_of(key.path).value_or(sysctl);
  for (const auto family : kFamilies) keep_rules(actual, family, kept);
  return kept;
}

}  // namespace pellicle
