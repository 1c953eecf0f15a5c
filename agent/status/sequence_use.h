// How much of a key's sequence numbers is used: the key must be replaced before they run out.
#pragma once

#include <vector>

#include "agent/kube/key_records.h"
#include "agent/model/observed_state.h"

namespace pellicle {

// The largest part that any state sending with this key has used, in percent, rounded down to tens.
SequenceUse sequence_use(const std::vector<ObservedState>& states, uint8_t key_id);

}  // namespace pellicle
