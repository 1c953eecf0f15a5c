// What the kernel counted of each XFRM state of ours.
#pragma once

#include <optional>
#include <vector>

#include "agent/kernel/netlink_socket.h"
#include "agent/model/observed_state.h"

namespace pellicle {

// One message of a dump; no value for what no Pellicle made.
std::optional<ObservedState> decode_observed_state(const nlmsghdr& message);

// All that are ours, in the kernel's order. Throws OsError.
std::vector<ObservedState> observe_states(NetlinkSocket& socket);

}  // namespace pellicle
