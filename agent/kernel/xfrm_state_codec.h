// XFRM states: bytes <-> values. Pure. libnl's xfrmnl_sa (3.7) neither writes nor reads the
// output-mark, so the messages are put together here from the kernel's own structs.
#pragma once

#include <optional>

#include "agent/kernel/netlink_message.h"
#include "agent/model/objects.h"

namespace pellicle {

struct XfrmState {
  State::Key key;
  State value;
  uint64_t sent = 0;     // the send counter: packets protected so far (high half only with ESN)
  uint64_t packets = 0;  // in either direction
};

NetlinkMessage state_dump();

// An ESP tunnel state with AEAD, or with authentication and encryption; no value for anything else,
// which no Pellicle made. Truncation: 0 where the kernel shows the algorithm's default, which is
// what asking for 0 becomes.
std::optional<XfrmState> decode_state(const nlmsghdr& message);

// What the kernel itself puts in a state's place when a packet meets `key`'s policy, there is none,
// and a key daemon listens: no algorithm, gone after net.core.xfrm_acq_expires seconds (30), and
// until then an add gets EEXIST (6.1).
bool is_placeholder(const nlmsghdr& message, const State::Key& key, uint32_t reqid);

// The next packet sent gets the number `sent` + 1.
NetlinkMessage encode_new_state(const State::Key& key, const State& value, uint64_t sent);
// The same where a placeholder stands: one step, ESRCH when it has gone.
NetlinkMessage encode_state_over_placeholder(const State::Key& key, const State& value,
                                             uint64_t sent);
NetlinkMessage encode_get_state(const State::Key& key);
NetlinkMessage encode_delete_state(const State::Key& key);

}  // namespace pellicle
