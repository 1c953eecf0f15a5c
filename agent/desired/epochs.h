// Which epochs a node announces: the first, the next, and those that nobody needs any more.
#pragma once

#include <set>

#include "agent/desired/desired.h"

namespace pellicle {

// The epoch of this generation for a node with this cilium_host address, in this boot. Its SPI is
// 0x1......0 with 24 bits that depend on all of these, so that what a peer has of one life of a
// node is never taken for another's; and free. The last digit is for the key id.
Epoch epoch_of(const IpAddress& router, const std::string& boot_id, uint64_t generation,
               const std::set<uint32_t>& taken);

// The SPIs that other Nodes announce.
std::set<uint32_t> others_spis(const Inputs& inputs);

// Does another Node announce the SPI of this node's newest epoch? The younger of the two looks for
// another; until it has, neither begins to send with it.
enum class Contest : uint8_t { none, won, lost };
Contest contest(const Inputs& inputs);

// Without the older ones that are in use no more: every peer is sent to with the newest.
std::vector<Epoch> needed_epochs(const Inputs& inputs);

}  // namespace pellicle
