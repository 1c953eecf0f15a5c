// How soon a pass follows a change of the kernel by another program.
#pragma once

#include <chrono>

#include "agent/kernel/notifications.h"

namespace pellicle {

// Changes that traffic depends on get a pass at once. Changes that come by the hundred are batched:
// pod devices, which are programmed without a pass, and netfilter, whose users often change it
// several times in a row. A routing daemon's routes may lead to a peer: the first change gets a
// pass at once, and those that follow within a moment share one.
class PassPace {
 public:
  using Clock = std::chrono::steady_clock;
  std::chrono::milliseconds of(const Changes& changes, Clock::time_point now);

 private:
  Clock::time_point answered_{};  // when a routing daemon's change last got a pass at once
};

}  // namespace pellicle
