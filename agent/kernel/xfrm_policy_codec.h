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

// A policy of the main type that selects by networks and mark alone and has at most one template,
// ESP in tunnel mode; no value for anything else, which no Pellicle made.
std::optional<XfrmPolicy> decode_policy(const nlmsghdr& message);

NetlinkMessage encode_new_policy(const Policy::Key& key, const Policy& value);  // EEXIST if there
NetlinkMessage encode_update_policy(const Policy::Key& key, const Policy& value);  // in place
NetlinkMessage encode_delete_policy(const Policy::Key& key);

}  // namespace pellicle
