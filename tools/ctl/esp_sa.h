// ESP states as Wireshark and tshark read them: lines of the file `esp_sa` of a profile, which are
// also the values of `-o uat:esp_sa:...` (Wireshark 4.0, epan/dissectors/packet-ipsec.c).
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "agent/model/observed_state.h"

namespace pellicle::ctl {

// A line each, with the keys in it. What Wireshark cannot decrypt, or the kernel does not tell the
// key of, is said on `complaints`; false when nothing was left to write.
bool write_esp_sa(const std::vector<ObservedState>& states, std::ostream& out,
                  std::ostream& complaints);

}  // namespace pellicle::ctl
