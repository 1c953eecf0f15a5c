// Packets that XFRM threw away, and why.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace pellicle {

// /proc/net/xfrm_stat of the calling thread's network namespace: name ("XfrmInNoStates") -> count,
// zeros too. Empty where the kernel does not count (CONFIG_XFRM_STATISTICS).
std::map<std::string, uint64_t> xfrm_errors();

}  // namespace pellicle
