// XFRM states of ours.
#pragma once

#include <map>
#include <span>
#include <vector>

#include "agent/kernel/netlink_socket.h"
#include "agent/model/kernel_state.h"
#include "agent/reconcile/plan.h"

namespace pellicle {

// The send counters last seen, so that a state which somebody deleted does not start again at zero
// under the same key: with AES-GCM a number that comes twice gives the plain text away.
using SendCounters = std::map<State::Key, uint64_t>;

void dump_states(NetlinkSocket& socket, SendCounters& counters, KernelState& into);

// A replacement is delete and add; its counter goes on.
std::vector<Outcome> apply_states(NetlinkSocket& socket, SendCounters& counters,
                                  std::span<const Change<State>> changes);

}  // namespace pellicle
