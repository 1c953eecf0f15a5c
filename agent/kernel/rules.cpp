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

// The kernel deletes the first rule that has every attribute of the request, even if that rule has
// more attributes (6.1). So the agent deletes nothing while a more specific rule of another owner
// stands before its own.
Outcome delete_copy(NetlinkSocket& socket, const KernelRule& rule) {
  if (!rule.plain) return {EBUSY, "a more special rule of somebody else stands before it"};
  auto outcome = socket.request(encode_delete_rule(rule.key, rule.protocol));
  return outcome.error == ENOENT ? Outcome{} : outcome;
}

// Several rules may differ in their protocol alone. This agent writes one, an earlier agent wrote
// it without a protocol, and an administrator's `ip rule add` writes a third.
Outcome delete_rule(NetlinkSocket& socket, const Rule::Key& key) {
  for (const auto& rule : read_rules(socket, key.family)) {
    if (rule.key != key) continue;
    auto outcome = delete_copy(socket, rule);
    if (!outcome.ok()) return outcome;
  }
  return {};
}

bool is_kept(const KernelRule& rule) {
  return rule.protocol == RTPROT_KERNEL;
}

// Of another origin; or, where there is one, what keeps it from being deleted.
std::optional<KernelRule> other_copy(NetlinkSocket& socket, const Rule::Key& key) {
  std::optional<KernelRule> other;
  std::optional<KernelRule> special;
  for (const auto& rule : read_rules(socket, key.family)) {
    if (rule.key != key) continue;
    if (!rule.plain) special = rule;
    if (rule.plain && !is_kept(rule)) other = rule;
  }
  return other && special ? special : other;
}

// The one rule of this value, of the kernel's origin, and never a moment without any. A request to
// delete one without an origin takes the first of any: perhaps ours, which the next round makes
// anew while the other still stands.
Outcome put_rule(NetlinkSocket& socket, const Rule::Key& key) {
  constexpr int kRounds = 10;  // more copies of one rule than there ever are
  for (int i = 0; i < kRounds; ++i) {
    auto outcome = socket.request(encode_new_rule(key));
    if (!outcome.ok() && outcome.error != EEXIST) return outcome;
    const auto other = other_copy(socket, key);
    if (!other) return {};
    outcome = delete_copy(socket, *other);
    if (!outcome.ok()) return outcome;
  }
  return {EBUSY, "another program adds the same rule again and again"};
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
    auto outcome = put_rule(socket, local_key(family, priority));
    if (!outcome.ok()) return outcome;
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
    LocalRule local;
    for (const auto& rule : rules) {
      if (is_ours(rule)) into.rules[rule.key].kept &= is_kept(rule);
      if (!is_local_rule(rule)) continue;
      local.priorities.insert(rule.key.priority);
      local.kept &= is_kept(rule);
    }
    if (local.priorities != kBornAt && is_there(family)) into.local_rules[{family}] = local;
  }
}

std::vector<Outcome> apply_rules(NetlinkSocket& socket, std::span<const Change<Rule>> changes) {
  std::vector<Outcome> outcomes;
  for (const auto& change : changes) {
    outcomes.push_back(change.action == Action::remove ? delete_rule(socket, change.key)
                                                       : put_rule(socket, change.key));
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
