// ESP states in the format of Wireshark and tshark: lines of a profile's file `esp_sa`, which are
// also the values of `-o uat:esp_sa:...` (Wireshark 4.0, epan/dissectors/packet-ipsec.c).
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "agent/model/observed_state.h"

namespace pellicle::ctl {

// Writes one line per state, keys included. Reports on `complaints` each state that Wireshark
// cannot decrypt or whose key the kernel withholds. Returns false when no line was written.
bool write_esp_sa(const std::vector<ObservedState>& states, std::ostream& out,
                  std::ostream& complaints);

}  // namespace pellicle::ctl
