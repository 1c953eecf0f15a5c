// A cluster of any size, as one of its nodes sees it.
#pragma once

#include "agent/model/inputs.h"

namespace pellicle::bench {

enum class KeyForm { shared, per_pair };  // one key on every node, or one for each pair

inline constexpr const char* kUplinkAddress = "172.18.255.1/16";

// This node, without pods, and so many others; the seed's key (tests/harness/seed_inputs.h).
Inputs cluster_of(size_t peers, KeyForm form);

}  // namespace pellicle::bench
