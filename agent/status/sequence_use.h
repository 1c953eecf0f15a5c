// How soon a key must be replaced because its sequence numbers run out.
#pragma once

#include <vector>

#include "agent/kube/key_records.h"
#include "agent/model/observed_state.h"

namespace pellicle {

// Of the states that send with this key the one that has used the largest part of its numbers.
SequenceUse sequence_use(const std::vector<ObservedState>& states, uint8_t key_id);

}  // namespace pellicle
