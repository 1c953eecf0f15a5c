// How soon a pass follows what others changed in the kernel.
#pragma once

#include <chrono>

#include "agent/kernel/notifications.h"

namespace pellicle {

// At once for what traffic depends on. What comes by the hundred waits for more of its kind: pod
// devices, which are programmed without a pass, and netfilter, whose users often change it several
// times in a row. A routing daemon's routes may be the way to a peer: the first change is answered
// at once, and those that follow it within a moment get one pass together.
class PassPace {
 public:
  using Clock = std::chrono::steady_clock;
  std::chrono::milliseconds of(const Changes& changes, Clock::time_point now);

 private:
  Clock::time_point answered_{};  // a daemon's routes, at once
};

}  // namespace pellicle
