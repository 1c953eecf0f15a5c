// Objects that the agent has to program again and again, because another program on this node
// changes or removes them.
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
  std::string counted_as;  // the operation as describe() prints it, or its kind
  std::string operation;
  bool operator==(const Repair&) const = default;
};

// The first operation of `made` that repairs an object: the difference between `before`, which the
// last pass left in the kernel, and `found` contains it as well. States are counted together,
// because a state of a key per pair is made again with another SPI and key. nullopt: all of `made`
// programs newly desired objects.
std::optional<Repair> repair(const Plan& made, const KernelState& before, const KernelState& found);

class Repairs {
 public:
  using Clock = std::chrono::steady_clock;

  // An administrator's experiment or a flush causes fewer repairs of one object. Another agent that
  // restores its own objects causes more, and so does a device that flaps.
  static constexpr size_t kMany = 8;
  static constexpr std::chrono::minutes kWithin{10};

  void note(const Repair& repair, Clock::time_point now);

  // The problem while some object keeps being changed.
  std::optional<Problem> problem(Clock::time_point now) const;

 private:
  struct Past {
    std::string operation;                // the last one
    std::deque<Clock::time_point> times;  // the last kMany
  };
  std::map<std::string, Past> past_;  // by Repair::counted_as
};

}  // namespace pellicle
