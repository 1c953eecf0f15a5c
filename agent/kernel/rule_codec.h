// Routing rules: bytes <-> values. Pure.
#pragma once

#include <optional>

#include "agent/kernel/netlink_message.h"
#include "agent/model/objects.h"

namespace pellicle {

// A rule as RTM_NEWRULE shows it, when it looks up a table.
struct KernelRule {
  Rule::Key key;  // mark 0/0: any packet
  // Nothing selects packets but the mark: no address, interface, port, user, inversion.
  bool plain = true;
  auto operator<=>(const KernelRule&) const = default;
};

NetlinkMessage rule_dump(Family family);
std::optional<KernelRule> decode_rule(const nlmsghdr& message);
NetlinkMessage encode_new_rule(const Rule::Key& key);  // EEXIST when there already
NetlinkMessage encode_delete_rule(const Rule::Key& key);

}  // namespace pellicle
