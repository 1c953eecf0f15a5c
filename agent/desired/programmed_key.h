// The keys that the kernel already uses: they stay in use if the Secret is unusable at start.
#pragma once

#include <set>
#include <vector>

#include "agent/desired/desired.h"

namespace pellicle {

struct ProgrammedKeys {
  std::vector<IpsecKey> known;  // from the receiving states, by id
  // In use, but the Secret's key cannot be recovered: pair keys, and keys whose bytes the kernel
  // withholds (lockdown; an all-zero key must never be taken for a key).
  std::set<uint8_t> ids_only;
};
ProgrammedKeys programmed_keys(const KernelState& actual);

// True if sending states with the id of inputs.key exist and none of them has that key.
bool contradicts_programmed(const Inputs& inputs);

}  // namespace pellicle
