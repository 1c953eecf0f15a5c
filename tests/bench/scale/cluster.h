// A cluster of any size, as seen by one of its nodes.
#pragma once

#include "agent/model/inputs.h"

namespace pellicle::bench {

enum class KeyForm { shared, per_pair };  // one key for all nodes, or one for each pair

inline constexpr const char* kUplinkAddress = "172.18.255.1/16";

// This node without pods, and `peers` others, with the seed's key (tests/harness/seed_inputs.h).
Inputs cluster_of(size_t peers, KeyForm form);

}  // namespace pellicle::bench
