// XFRM policies: bytes <-> values. Pure.
#pragma once

#include <optional>

#include "agent/kernel/netlink_message.h"
#include "agent/model/objects.h"

namespace pellicle {

struct XfrmPolicy {
  Policy::Key key;
  Policy value;
  auto operator<=>(const XfrmPolicy&) const = default;
};

NetlinkMessage policy_dump();

// Decodes a policy of type main whose selector has only networks and a mark, with at most one
// template, ESP in tunnel mode. nullopt for all others: no version of Pellicle makes them.
std::optional<XfrmPolicy> decode_policy(const nlmsghdr& message);

NetlinkMessage encode_new_policy(const Policy::Key& key, const Policy& value);     // or EEXIST
NetlinkMessage encode_update_policy(const Policy::Key& key, const Policy& value);  // in place
NetlinkMessage encode_delete_policy(const Policy::Key& key);

}  // namespace pellicle
