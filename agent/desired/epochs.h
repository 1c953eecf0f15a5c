// Which epochs a node announces: the first, the next, and when older ones end.
#pragma once

#include <set>

#include "agent/desired/desired.h"

namespace pellicle {

// The epoch of this generation for a node with this cilium_host address, in this boot. Its SPI is
// 0x1......0, with 24 bits that depend on all three, so that a peer never mistakes states of one
// life of a node for those of another. The SPI is not in `taken`. Its last digit is for the key id.
Epoch epoch_of(const IpAddress& router, const std::string& boot_id, uint64_t generation,
               const std::set<uint32_t>& taken);

// The SPIs that other Nodes announce.
std::set<uint32_t> others_spis(const Inputs& inputs);

// Does another Node announce the SPI of this node's newest epoch? The younger of the two picks
// another SPI; until then neither starts to send with it.
enum class Contest : uint8_t { none, won, lost };
Contest contest(const Inputs& inputs);

// This node's epochs without the older ones that are no longer needed. They are needed until every
// peer receives the newest, and while a policy leads to their states.
std::vector<Epoch> needed_epochs(const Inputs& inputs);

}  // namespace pellicle
