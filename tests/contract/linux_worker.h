// The seed's worker without pods, and its desired state on a site.
#pragma once

#include "agent/reconcile/reconciler.h"
#include "tests/contract/linux_site.h"
#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"

namespace pellicle::contract {

inline Inputs worker_inputs(Kernel& kernel) {
  auto inputs = seed::worker();
  inputs.endpoints.clear();
  inputs.host = kernel.facts();
  return inputs;
}

inline KernelState worker_state(Kernel& kernel) {
  return compute(worker_inputs(kernel)).state;
}

// One pass without refusals.
inline void require_pass(Kernel& kernel, const KernelState& desired) {
  const auto pass = reconcile(kernel, desired);
  for (const auto& refusal : pass.refusals) {
    UNSCOPED_INFO(describe(refusal.operation) << ": " << refusal.sentence);
  }
  REQUIRE(pass.refusals.empty());
}

inline void require_quiet(Kernel& kernel, const KernelState& desired) {
  const auto left = plan(desired, kernel.dump());
  for (const auto& operation : left) UNSCOPED_INFO("left: " << describe(operation));
  REQUIRE(left.empty());
}

}  // namespace pellicle::contract
