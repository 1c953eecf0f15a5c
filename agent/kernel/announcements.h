// Decodes the kernel's change notifications: bytes -> names of changes. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "agent/kernel/notifications.h"

namespace pellicle {

// Names of what other programs changed (see Notifications), from the bytes of one read from a
// NETLINK_ROUTE or NETLINK_XFRM socket. `bytes` have the alignment of a netlink header.
Changes changes_in(int protocol, std::span<const uint8_t> bytes,
                   const std::function<bool(uint32_t port)>& is_own);

}  // namespace pellicle
