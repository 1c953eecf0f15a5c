// An ESP state of ours as the kernel has it now, with its counters. The counters are not part of
// State: nothing desires or compares them.
#pragma once

#include <cstdint>

#include "agent/model/objects.h"

namespace pellicle {

// Since the state was created.
struct StateCounters {
  uint64_t sent = 0;      // sequence number of the last packet sent; above 32 bits only with ESN
  uint64_t received = 0;  // highest sequence number accepted; stays 0 without a replay window
  uint64_t bytes = 0;     // of the inner packets
  uint64_t packets = 0;
  uint64_t added = 0;       // seconds since 1970
  uint64_t first_used = 0;  // seconds since 1970; 0: never. On some kernels (6.3) the last use
  uint64_t last_used = 0;   // seconds since 1970; 0: this kernel does not report it (6.1)
  // Received and dropped:
  uint32_t replayed = 0;          // sequence number already seen
  uint32_t outside_window = 0;    // sequence number older than the window
  uint32_t integrity_failed = 0;  // another key, or modified packet
  auto operator<=>(const StateCounters&) const = default;
};

struct ObservedState {
  State::Key key;
  State value;
  StateCounters counters;

  // Highest sequence number, for `sent` and `received`.
  uint64_t last_sequence() const { return value.esn ? UINT64_MAX : UINT32_MAX; }
};

}  // namespace pellicle
