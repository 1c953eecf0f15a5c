// An ESP state of ours as the kernel has it now, with what it counted. The counters stand beside
// State: they are no part of what is desired, and nothing compares them.
#pragma once

#include <cstdint>

#include "agent/model/objects.h"

namespace pellicle {

// Since the state was made.
struct StateCounters {
  uint64_t sent = 0;      // sequence number of the last packet sent; above 32 bits with ESN only
  uint64_t received = 0;  // the highest one that was accepted; stays 0 without a replay window
  uint64_t bytes = 0;     // of the inner packets
  uint64_t packets = 0;
  uint64_t added = 0;       // seconds since 1970
  uint64_t first_used = 0;  // the same; 0: never. On some kernels (6.3) the last use
  uint64_t last_used = 0;   // the same; 0: this kernel does not tell (6.1)
  // Received and thrown away:
  uint32_t replayed = 0;          // the number had come before
  uint32_t outside_window = 0;    // the number was too old to tell
  uint32_t integrity_failed = 0;  // another key, or tampered with
  auto operator<=>(const StateCounters&) const = default;
};

struct ObservedState {
  State::Key key;
  State value;
  StateCounters counters;

  // Of packets, in `sent` and `received`.
  uint64_t last_sequence() const { return value.esn ? UINT64_MAX : UINT32_MAX; }
};

}  // namespace pellicle
