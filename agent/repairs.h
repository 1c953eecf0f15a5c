// What has to be programmed again and again, because somebody else on this node undoes it.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "agent/model/node.h"
#include "agent/reconcile/plan.h"

namespace pellicle {

// One operation of `made` that the last pass would have made as well, had it found what this one
// found: `before` is what it left in the kernel. In the words of describe(); none when all of
// `made` is for something that is wanted anew.
std::optional<std::string> repair(const Plan& made, const KernelState& before,
                                  const KernelState& found);

class Repairs {
 public:
  using Clock = std::chrono::steady_clock;

  // A device that flaps, an administrator who tries something, a flush: none of them comes to as
  // many for one object. Another agent does, as each brings back its own.
  static constexpr size_t kMany = 8;
  static constexpr std::chrono::minutes kWithin{10};

  void note(const std::string& operation, Clock::time_point now);

  // While one of them is being undone.
  std::optional<Problem> problem(Clock::time_point now) const;

 private:
  std::map<std::string, std::deque<Clock::time_point>> times_;  // of each, the last kMany
};

}  // namespace pellicle
