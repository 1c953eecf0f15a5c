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

// Packets received with each key id, by the states there are.
using Received = std::map<uint8_t, uint64_t>;

void dump_states(NetlinkSocket& socket, SendCounters& counters, Received& received,
                 KernelState& into);

// A replacement is delete and add; its counter goes on where the key does. A pair's key is never
// used for a second state (agent/keys/key_use.h), so with one the counter begins at zero: a
// receiver that begins too would not guess the upper half of a 64-bit number.
std::vector<Outcome> apply_states(NetlinkSocket& socket, SendCounters& counters,
                                  std::span<const Change<State>> changes);

}  // namespace pellicle
