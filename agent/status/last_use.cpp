#include "agent/status/last_use.h"

namespace pellicle {

void LastUse::look(std::vector<ObservedState>& states, uint64_t now) {
  std::map<State::Key, Seen> seen;
  for (auto& state : states) {
    auto& counters = state.counters;
    const auto before = seen_.find(state.key);
    auto known = before == seen_.end() ? Seen{} : before->second;
    // A state that existed before the first look has an unknown base count. A state that was
    // replaced since the last look counts from 0 again.
    const bool anew = before != seen_.end() && counters.packets < known.packets;
    const bool watched = before != seen_.end() || (looked_ != 0 && counters.added >= looked_);
    if (anew) known = {};
    if (watched && counters.packets > known.packets) known.used = now;
    known.packets = counters.packets;
    if (counters.last_used == 0) counters.last_used = known.used;
    seen[state.key] = known;
  }
  seen_ = std::move(seen);
  looked_ = now;
}

}  // namespace pellicle
