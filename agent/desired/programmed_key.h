// The keys that a kernel is using already: what goes on when the Secret cannot be used at start.
#pragma once

#include <set>
#include <vector>

#include "agent/desired/desired.h"

namespace pellicle {

struct ProgrammedKeys {
  std::vector<IpsecKey> known;  // from the states that receive, by id
  // In use, but the key of the Secret is not to be had: of keys per pair, and where the kernel
  // withholds key bytes (lockdown; an all-zero key must never be taken for a key).
  std::set<uint8_t> ids_only;
};
ProgrammedKeys programmed_keys(const KernelState& actual);

// The states that send with inputs.key's id are of another key: not one of them agrees.
bool contradicts_programmed(const Inputs& inputs);

}  // namespace pellicle
