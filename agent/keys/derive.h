// Derives the key of one direction between two nodes from the key that all nodes share.
#pragma once

#include "agent/model/inputs.h"

namespace pellicle {

// Each key of the algorithm (salt included, authentication and encryption apart) becomes
//
//   H(key || src || dst || boot id of src || boot id of dst || generation), cut to the key's length
//
// with SHA-256 for keys of up to 32 bytes and SHA-512 for longer ones. Addresses have 4 or 16
// bytes, boot ids 36 characters. The generation (8 bytes, big-endian) is included only if it is not
// 0: without it the result is what Cilium 1.19 derives. Throws std::runtime_error if the digest
// fails.
Algorithm derive_key(const Algorithm& global, const PairEnds& ends);

// Distinguishes keys without revealing anything about them: 64 bits of a digest.
uint64_t fingerprint(const Algorithm& algorithm);

}  // namespace pellicle
