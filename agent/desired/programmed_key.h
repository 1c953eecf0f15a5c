// The key that a kernel is using already: what goes on when the Secret cannot be used at start.
#pragma once

#include <optional>

#include "agent/model/kernel_state.h"

namespace pellicle {

// From the state that receives. No value when nothing is programmed, when two keys are (a rotation
// was under way), or when the kernel withholds key bytes (lockdown): an all-zero key must never be
// taken for a key.
std::optional<IpsecKey> programmed_key(const KernelState& actual);

}  // namespace pellicle
