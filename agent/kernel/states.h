// Pellicle's XFRM states.
#pragma once

#include <map>
#include <span>
#include <vector>

#include "agent/kernel/netlink_socket.h"
#include "agent/model/kernel_state.h"
#include "agent/reconcile/plan.h"

namespace pellicle {

// The send counters as last read. A state that another program deleted must not start again at zero
// with the same key: with AES-GCM, a sequence number used twice reveals plain text.
using SendCounters = std::map<State::Key, uint64_t>;

// Packets that the existing states received, summed by key id.
using Received = std::map<uint8_t, uint64_t>;

void dump_states(NetlinkSocket& socket, SendCounters& counters, Received& received,
                 KernelState& into);

// Replaces a state by delete and add. The counter continues if the key stays the same. A state with
// a new pair key starts at zero, because such a key is never used for a second state
// (agent/keys/key_use.h), and because a receiver that starts anew cannot infer the upper half of a
// 64-bit sequence number.
std::vector<Outcome> apply_states(NetlinkSocket& socket, SendCounters& counters,
                                  std::span<const Change<State>> changes);

}  // namespace pellicle
