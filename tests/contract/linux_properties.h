// What properties over random clusters on Linux have in common. A failure names its case's seed.
#pragma once

#include "agent/reconcile/reconciler.h"
#include "tests/contract/linux_faults.h"
#include "tests/contract/linux_world.h"
#include "tests/harness/catch.h"
#include "tests/harness/length.h"

namespace pellicle::contract::properties {

template <class Property>
inline void for_random_cases(uint64_t cases, Property&& property) {
  for (uint64_t seed = 1; seed <= cases; ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    property(random);
  }
}

inline void require_equal(const KernelState& actual, const KernelState& wanted) {
  for (const auto& operation : plan(wanted, actual)) UNSCOPED_INFO(describe(operation));
  const bool equal = actual == wanted;
  REQUIRE(equal);
}

inline void require_no_refusals(const std::vector<Refusal>& refusals) {
  for (const auto& refusal : refusals) {
    UNSCOPED_INFO(describe(refusal.operation) << ": " << refusal.sentence);
  }
  REQUIRE(refusals.empty());
}

// One pass reaches the desired state, and the next pass plans nothing.
inline void require_converges(LinuxWorld& world) {
  const auto desired = world.desired();
  require_no_refusals(world.pass());
  require_equal(world.kernel().dump(), desired);
  require_equal(world.kernel().dump(), world.desired());
}

inline void require_reaches(Kernel& kernel, const KernelState& desired) {
  require_no_refusals(reconcile(kernel, desired).refusals);
  require_equal(kernel.dump(), desired);
}

inline void live_through(Random& random, LinuxWorld& world, const std::vector<Event>& events) {
  for (const auto& event : events) {
    world.happen(event);
    if (random.chance(20)) world.pass();
    if (random.chance(5)) world.restart();
  }
}

}  // namespace pellicle::contract::properties
