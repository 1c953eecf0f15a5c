// What a pass computes from one look at the kernel, and what the next pass would do.
#pragma once

#include <functional>

#include "agent/desired/desired.h"
#include "agent/reconcile/reconciler.h"

namespace pellicle {

// A pass takes at most this many steps: the second switches to what the first prepared, or holds
// back destinations whose policy the kernel refused; the third removes what the second replaced.
inline constexpr int kMostSteps = 3;

// Computes the desired state from inputs that include what is programmed.
using Conclude = std::function<Desired(Inputs&)>;

// Lends what the kernel holds of keys to the inputs while `conclude` runs: copying tens of
// thousands of objects is too slow.
Desired with_programmed(KernelState& actual, Inputs& inputs, const Conclude& conclude);

// The operations of all steps of a pass over `actual`, if the kernel refuses none. `one_step`: of
// the first step alone.
Plan preview(KernelState actual, Inputs inputs, const Conclude& conclude,
             const std::function<Scope(const Desired&)>& scope, bool one_step);

}  // namespace pellicle
