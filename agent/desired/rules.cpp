#include "agent/desired/local_view.h"

namespace pellicle {

namespace {

// Marked packets are looked up in table 200 before `lookup local`, which therefore has priority
// 100: a packet addressed to this node but marked as ESP must meet table 200's local route first.
constexpr uint32_t kMarkRulePriority = 1;
constexpr uint32_t kLocalRulePriority = 100;
constexpr uint8_t kEsp = 50;  // IPPROTO_ESP
constexpr uint8_t kIcmp = 1;
constexpr uint8_t kIcmpv6 = 58;

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

// Priorities between these two: packets without a mark, where policies may ask for one. ESP from
// cilium_host's address is already encrypted and takes the node's own routes.
Table<Rule> unmarked_rules(const Cidr& pods, const IpAddress& router, bool host_encryption) {
  Table<Rule> table;
  const auto add = [&](uint32_t priority, Rule::Key key) {
    key.family = pods.family();
    key.priority = priority;
    table.emplace(key, Rule{});
  };
  add(2, {.table = kMainTable, .src = Cidr::host(router), .protocol = kEsp});
  if (!host_encryption) {
    add(3, {.table = kMarkPodsTable, .src = pods});
    return table;
  }
  add(3, {.table = kMarkPodsTable});
  // Only packets that involve a pod, as sender or, in answers, as receiver.
  for (const auto& mark : {kPodMark, kLocalDecryptedMark}) {
    add(4, {.mark = mark, .table = kMarkNodesTable});
  }
  return table;
}

// The node's ICMP errors about packets from other nodes' pods quote these packets, so they must be
// encrypted too. In these tables their source is cilium_host's address, by which policies select
// them. With host encryption policies select them whatever the source.
Table<Rule> icmp_rules(const Cidr& pods, bool marked, bool unmarked) {
  Table<Rule> table;
  const auto add = [&](uint32_t priority, uint32_t lookup, std::optional<Cidr> dst = {}) {
    table.emplace(Rule::Key{.family = pods.family(),
                            .priority = priority,
                            .table = lookup,
                            .protocol = pods.family() == Family::v4 ? kIcmp : kIcmpv6,
                            .dst = dst,
                            .of_node = true},
                  Rule{});
  };
  if (marked) add(101, kMarkPodsTable);
  if (!unmarked) return table;
  add(102, kMainTable, pods);  // table 200 has it as local
  add(103, kEncryptTable);
  return table;
}

Table<LocalRule> local_rules(const LocalView& view) {
  Table<LocalRule> table;
  for (const auto& own : view.families) table[{own.family()}] = local_rule();
  return table;
}

Table<Rule> rules(const LocalView& view) {
  Table<Rule> table;
  for (const auto& own : view.families) {
    table.merge(mark_rules(own.family()));
    const bool marked = view.keys.any_of_all() || own.needs_mark_tables();
    if (marked) table.merge(unmarked_rules(own.local_cidr, own.router, view.host_encryption));
    if (!view.host_encryption)
      table.merge(icmp_rules(own.local_cidr, marked, view.keys.any_of_pairs()));
  }
  return table;
}

}  // namespace pellicle
