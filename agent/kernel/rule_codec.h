// Routing rules: bytes <-> values. Pure.
#pragma once

#include <optional>

#include "agent/kernel/netlink_message.h"
#include "agent/model/objects.h"

namespace pellicle {

// A rule that looks up a table, from RTM_NEWRULE.
struct KernelRule {
  Rule::Key key;  // mark 0/0: any packet
  // The rule has no selector beyond the key: no other interface, port, user or inversion.
  bool plain = true;
  uint8_t protocol = 2;  // FRA_PROTOCOL; 2: RTPROT_KERNEL, which networkd leaves alone
  auto operator<=>(const KernelRule&) const = default;
};

NetlinkMessage rule_dump(Family family);
std::optional<KernelRule> decode_rule(const nlmsghdr& message);
// With protocol RTPROT_KERNEL. EEXIST when the same rule with that protocol exists; copies with
// other protocols may exist beside it.
NetlinkMessage encode_new_rule(const Rule::Key& key);
// Deletes the first rule that has all attributes of the request. `protocol` 0: any protocol.
NetlinkMessage encode_delete_rule(const Rule::Key& key, uint8_t protocol = 0);

}  // namespace pellicle
