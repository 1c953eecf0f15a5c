#include "agent/status/sequence_use.h"

#include <algorithm>

#include "agent/status/encryption.h"

namespace pellicle {

SequenceUse sequence_use(const std::vector<ObservedState>& states, uint8_t key_id) {
  constexpr unsigned kStep = 10;
  SequenceUse use{.key_id = key_id, .percent = 0};
  for (const auto& state : states) {
    if (!is_sending(state.key) || pellicle::key_id(state.key) != key_id) continue;
    const auto tenths = state.counters.sent / (state.last_sequence() / kStep);
    use.percent = std::max(use.percent, static_cast<unsigned>(tenths) * kStep);
  }
  use.percent = std::min(use.percent, 100U);
  return use;
}

}  // namespace pellicle
