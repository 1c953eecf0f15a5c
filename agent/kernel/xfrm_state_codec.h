// XFRM states: bytes <-> values. Pure. libnl's xfrmnl_sa (3.7) does not support the output-mark, so
// this code builds the messages from the kernel's structs.
#pragma once

#include <optional>

#include "agent/kernel/netlink_message.h"
#include "agent/model/objects.h"

namespace pellicle {

struct XfrmState {
  State::Key key;
  State value;
  uint64_t sent = 0;     // last sequence number sent; above 32 bits only with ESN
  uint64_t packets = 0;  // packets sent or received with this state
};

NetlinkMessage state_dump();

// Decodes an ESP tunnel state with AEAD, or with authentication and encryption. nullopt for all
// others: no version of Pellicle makes them. A truncation equal to the algorithm's default decodes
// as 0, because the kernel turns a requested 0 into the default.
std::optional<XfrmState> decode_state(const nlmsghdr& message);

// True for the kernel's placeholder (an acquire state) for `key`. The kernel creates it when a
// packet matches `key`'s policy, there is no state, and a key daemon listens. It has no algorithm
// and expires after net.core.xfrm_acq_expires seconds (30); until then an add gets EEXIST (6.1).
bool is_placeholder(const nlmsghdr& message, const State::Key& key, uint32_t reqid);

// The next packet sent gets the sequence number `sent` + 1.
NetlinkMessage encode_new_state(const State::Key& key, const State& value, uint64_t sent);
// The same, replacing a placeholder atomically. ESRCH when the placeholder is gone.
NetlinkMessage encode_state_over_placeholder(const State::Key& key, const State& value,
                                             uint64_t sent);
NetlinkMessage encode_get_state(const State::Key& key);
NetlinkMessage encode_delete_state(const State::Key& key);

}  // namespace pellicle
