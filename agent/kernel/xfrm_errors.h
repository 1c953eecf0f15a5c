// Counts of the packets that XFRM dropped, by reason.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace pellicle {

// /proc/net/xfrm_stat of the calling thread's network namespace: name ("XfrmInNoStates") -> count,
// including zeros. Empty when the kernel does not count (no CONFIG_XFRM_STATISTICS).
std::map<std::string, uint64_t> xfrm_errors();

}  // namespace pellicle
