#include "agent/status/state_use.h"

#include "agent/clock.h"
#include "agent/log.h"
#include "agent/status/sequence_use.h"

namespace pellicle {

std::vector<ObservedState> StateUse::observe() {
  auto states = kernel_.observe_states();
  const auto now = WallClock::now().time_since_epoch();
  last_use_.look(
      states, static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count()));
  const auto& newest = store_.ring().newest();
  of_sequence_ = newest ? std::optional(sequence_use(states, newest->id)) : std::nullopt;
  return states;
}

void StateUse::look() {
  constexpr auto kInterval = std::chrono::seconds(10);
  const auto now = SteadyClock::now();
  if (now - looked_ < kInterval) return;
  looked_ = now;
  try {
    observe();
  } catch (const KernelError& error) {  // a pass meets the same error and reports it
    log::debug("states cannot be looked at", {{"error", error.what()}});
  }
}

}  // namespace pellicle
