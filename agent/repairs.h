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

struct Repair {
  std::string counted_as;  // the operation in the words of describe(), or its kind
  std::string operation;
  bool operator==(const Repair&) const = default;
};

// One operation of `made` that the last pass would have made as well, had it found what this one
// found: `before` is what it left in the kernel. A state of a key per pair is made again with
// another SPI and key, so all states are counted together. None when all of `made` is for something
// that is wanted anew.
std::optional<Repair> repair(const Plan& made, const KernelState& before, const KernelState& found);

class Repairs {
 public:
  using Clock = std::chrono::steady_clock;

  // An administrator who tries something, a flush: none of them comes to as many for one object.
  // Another agent does, as each brings back its own, and so does a device that flaps.
  static constexpr size_t kMany = 8;
  static constexpr std::chrono::minutes kWithin{10};

  void note(const Repair& repair, Clock::time_point now);

  // While one of them is being undone.
  std::optional<Problem> problem(Clock::time_point now) const;

 private:
  struct Past {
    std::string operation;                // the last one
    std::deque<Clock::time_point> times;  // the last kMany
  };
  std::map<std::string, Past> past_;  // by Repair::counted_as
};

}  // namespace pellicle
