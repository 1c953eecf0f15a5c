// The key of one direction between two nodes, from the key that all nodes share.
#pragma once

#include "agent/model/inputs.h"

namespace pellicle {

// Each key of the algorithm (salt included, authentication and encryption apart) becomes
//
//   H(key || src || dst || boot id of src || boot id of dst || generation), cut to the key's length
//
// with SHA-256 for up to 32 bytes and SHA-512 beyond; addresses in 4 or 16 bytes, boot ids as their
// 36 characters. The generation, 8 bytes, most significant first, is there only when it is not 0:
// without it this is what Cilium 1.19 derives. Throws std::runtime_error when the digest fails.
Algorithm derive_key(const Algorithm& global, const PairEnds& ends);

// Tells two keys apart and gives nothing of them away: 64 bits of a digest.
uint64_t fingerprint(const Algorithm& algorithm);

}  // namespace pellicle
