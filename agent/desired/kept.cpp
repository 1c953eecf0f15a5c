#include <algorithm>

#include "agent/desired/local_view.h"
#include "agent/desired/settings.h"

namespace pellicle {

namespace {

// Table 200 is in use: what is installed sends marked packets to it.
bool has_encrypt_table(const KernelState& actual, Family family) {
  return std::any_of(actual.routes.begin(), actual.routes.end(), [&](const auto& route) {
    return route.first.table == kEncryptTable && route.first.dst.family() == family;
  });
}

// Keeps the rules that lead packets without a mark to cilium_host, derived from the existing
// routes.
void keep_unmarked_rules(const KernelState& actual, Family family, KernelState& kept) {
  const auto find = [&](const auto& matches) {
    const auto found =
        std::find_if(actual.routes.begin(), actual.routes.end(), [&](const auto& entry) {
          return entry.first.dst.family() == family && matches(entry.first, entry.second);
        });
    return found == actual.routes.end() ? std::nullopt : std::optional(found->first.dst);
  };
  const auto in = [](uint32_t table) {
    return [table](const Route::Key& key, const Route&) { return key.table == table; };
  };
  const auto pods = find([](const Route::Key& key, const Route& route) {
    return key.table == kEncryptTable && route.type == RouteType::local;
  });
  const auto router = find([](const Route::Key& key, const Route& route) {
    return key.table == kMainTable && route.dev == kHostDevice &&
           key.dst == Cidr::host(key.dst.address());
  });
  if (!pods) return;
  // Routes in a table have a source where the node's own ICMP uses the table.
  const auto with_source = [&](uint32_t table) {
    return find([table](const Route::Key& key, const Route& route) {
             return key.table == table && route.src;
           })
        .has_value();
  };
  kept.rules.merge(icmp_rules(*pods, with_source(kMarkPodsTable), with_source(kEncryptTable)));
  if (!find(in(kMarkPodsTable)) || !router) return;
  const bool host_encryption = find(in(kMarkNodesTable)).has_value();
  kept.rules.merge(unmarked_rules(*pods, router->address(), host_encryption));
}

// Answers of the API server are addressed to this node: none arrives without `lookup local`.
void keep_rules(const KernelState& actual, Family family, KernelState& kept) {
  const auto local = actual.local_rules.find({family});
  const bool missing = local != actual.local_rules.end() && local->second.priorities.empty();
  if (has_encrypt_table(actual, family)) {
    kept.local_rules[{family}] = local_rule();
    for (const auto& [key, rule] : mark_rules(family)) kept.rules[key] = rule;
    keep_unmarked_rules(actual, family, kept);
  } else if (missing) {
    kept.local_rules[{family}] = {.priorities = {kLocalRuleBornAt}};
  }
}

}  // namespace

KernelState kept(const KernelState& actual) {
  KernelState kept = actual;
  kept.block_policies = block_policies();
  for (auto& [key, sysctl] : kept.sysctls) sysctl = setting_of(key.path).value_or(sysctl);
  for (auto& [key, rule] : kept.rules) rule = {};
  for (const auto family : kFamilies) keep_rules(actual, family, kept);
  return kept;
}

}  // namespace pellicle
