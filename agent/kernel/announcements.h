// What the kernel's messages of changes say: bytes -> words. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "agent/kernel/notifications.h"

namespace pellicle {

// What the messages of one read from a NETLINK_ROUTE or NETLINK_XFRM socket say that others
// changed; see Notifications. `bytes` are aligned as a netlink header is.
Changes changes_in(int protocol, std::span<const uint8_t> bytes,
                   const std::function<bool(uint32_t port)>& is_own);

}  // namespace pellicle
