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

const std::set<uint32_t> kBornAt = {0};  // the kernel's initial priority of `lookup local`

// Returns no rules of a family that the kernel lacks. Some kernels refuse the request then (6.1
// booted without IPv6), others dump the rules of all families (rtnetlink_rcv_msg).
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

// Deletes all copies of a rule that differ only in their protocol. This agent writes one, an
// earlier agent wrote one without a protocol, and an administrator's `ip rule add` writes a third.
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

// A copy of the rule with another protocol than RTPROT_KERNEL. If a more specific rule prevents its
// deletion, returns that rule instead.
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

// Makes the rule with protocol RTPROT_KERNEL the only copy; at every moment there is at least one.
// A request to delete a copy without a protocol deletes the first copy of any protocol. If that is
// the agent's own, the next round adds it again while the other copy still exists.
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

// Adds the new rules first: without a `lookup local` rule the node would not recognize its own
// addresses.
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
