// Routing rules: bytes <-> values. Pure.
#pragma once

#include <optional>

#include "agent/kernel/netlink_message.h"
#include "agent/model/objects.h"

namespace pellicle {

// A rule as RTM_NEWRULE shows it, when it looks up a table.
struct KernelRule {
  Rule::Key key;  // mark 0/0: any packet
  // Nothing selects packets but what the key has: no other interface, no port, user, inversion.
  bool plain = true;
  uint8_t protocol = 2;  // its origin; 2: RTPROT_KERNEL, which networkd leaves alone
  auto operator<=>(const KernelRule&) const = default;
};

NetlinkMessage rule_dump(Family family);
std::optional<KernelRule> decode_rule(const nlmsghdr& message);
// Of the kernel's origin. EEXIST when there already with that origin: others may stand beside it.
NetlinkMessage encode_new_rule(const Rule::Key& key);
// The first one in the list that has all of this; `protocol` 0: of any origin.
NetlinkMessage encode_delete_rule(const Rule::Key& key, uint8_t protocol = 0);

}  // namespace pellicle
