#include "agent/kernel/rules.h"

#include <algorithm>
#include <cerrno>
#include <set>

#include <linux/rtnetlink.h>

#include "agent/kernel/os_error.h"
#include "agent/kernel/ownership.h"
#include "agent/kernel/rule_codec.h"
#include "agent/kernel/sysctl.h"

namespace pellicle {

namespace {

const std::set<uint32_t> kBornAt = {0};  // where the kernel puts `lookup local`

// None of a family that the kernel has not: some refuse the request (6.1 booted without IPv6), some
// show all that they have (rtnetlink_rcv_msg).
std::vector<KernelRule> read_rules(NetlinkSocket& socket, Family family) {
  std::vector<KernelRule> rules;
  try {
    rules = socket.dump(rule_dump(family), decode_rule);
  } catch (const OsError& error) {
    if (error.error() != EAFNOSUPPORT) throw;
  }
  std::erase_if(rules, [&](const KernelRule& rule) { return rule.key.family != family; });
  return rules;
}

// A delete request names what it knows, and the kernel takes the first rule that has all of that,
// whatever it has besides (6.1). So nobody's more special rule may stand before ours. There may be
// two that differ in their origin alone, ours and one that somebody added with `ip`.
Outcome delete_rule(NetlinkSocket& socket, const Rule::Key& key) {
  for (const auto& rule : read_rules(socket, key.family)) {
    if (rule.key != key) continue;
    if (!rule.plain) return {EBUSY, "a more special rule of somebody else stands before it"};
    auto outcome = socket.request(encode_delete_rule(key));
    if (!outcome.ok() && outcome.error != ENOENT) return outcome;
  }
  return {};
}

bool is_there(Family family) {
  return family == Family::v4 || read_sysctl("net/ipv6/conf/all/forwarding");
}

std::set<uint32_t> local_priorities(const std::vector<KernelRule>& rules) {
  std::set<uint32_t> priorities;
  for (const auto& rule : rules) {
    if (is_local_rule(rule)) priorities.insert(rule.key.priority);
  }
  return priorities;
}

Rule::Key local_key(Family family, uint32_t priority) {
  return {family, priority, Mark{}, RT_TABLE_LOCAL};
}

// New ones first: without any `lookup local` the node would not know its own addresses.
Outcome move_local_rule(NetlinkSocket& socket, Family family, const std::set<uint32_t>& wanted) {
  const auto there = local_priorities(read_rules(socket, family));
  for (const auto priority : wanted) {
    if (there.contains(priority)) continue;
    auto outcome = socket.request(encode_new_rule(local_key(family, priority)));
    if (!outcome.ok() && outcome.error != EEXIST) return outcome;
  }
  for (const auto priority : there) {
    if (wanted.contains(priority)) continue;
    auto outcome = delete_rule(socket, local_key(family, priority));
    if (!outcome.ok()) return outcome;
  }
  return {};
}

}  // namespace

void dump_rules(NetlinkSocket& socket, KernelState& into) {
  for (const Family family : kFamilies) {
    const auto rules = read_rules(socket, family);
    for (const auto& rule : rules) {
      if (is_ours(rule)) into.rules.emplace(rule.key, Rule{});
    }
    auto priorities = local_priorities(rules);
    if (priorities != kBornAt && is_there(family)) {
      into.local_rules.emplace(LocalRule::Key{family}, LocalRule{std::move(priorities)});
    }
  }
}

std::vector<Outcome> apply_rules(NetlinkSocket& socket, std::span<const Change<Rule>> changes) {
  std::vector<Outcome> outcomes;
  for (const auto& change : changes) {
    outcomes.push_back(change.action == Action::remove
                           ? delete_rule(socket, change.key)
                           : socket.request(encode_new_rule(change.key)));
  }
  return outcomes;
}

std::vector<Outcome> apply_local_rules(NetlinkSocket& socket,
                                       std::span<const Change<LocalRule>> changes) {
  std::vector<Outcome> outcomes;
  for (const auto& change : changes) {
    const auto& wanted = change.action == Action::remove ? kBornAt : change.value.priorities;
    outcomes.push_back(move_local_rule(socket, change.key.family, wanted));
  }
  return outcomes;
}

}  // namespace pellicle
