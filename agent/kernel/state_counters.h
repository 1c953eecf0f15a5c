// The kernel's counters of Pellicle's XFRM states.
#pragma once

#include <optional>
#include <vector>

#include "agent/kernel/netlink_socket.h"
#include "agent/model/observed_state.h"

namespace pellicle {

// Decodes one message of a dump; nullopt for states that are not Pellicle's.
std::optional<ObservedState> decode_observed_state(const nlmsghdr& message);

// All states of Pellicle's, in the kernel's order. Throws OsError.
std::vector<ObservedState> observe_states(NetlinkSocket& socket);

}  // namespace pellicle
