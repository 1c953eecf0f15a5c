// One pass: dump, diff, apply, and its result.
#pragma once

#include "agent/reconcile/kernel.h"

namespace pellicle {

struct Pass {
  Plan plan;                      // the differences
  std::vector<Refusal> refusals;  // those that the kernel refused
  bool quiet() const { return plan.empty(); }
};

// The extent of a pass. `additions` replaces and removes nothing: for use while too little is known
// about the desired state, and the existing objects work.
enum class Scope { everything, additions };

// The operations of a pass within that extent.
Plan plan(const KernelState& desired, const KernelState& actual, Scope scope);

// Brings the kernel to `desired`. A refused object does not stop the others (the block policy comes
// first). Throws KernelError if the kernel cannot be read.
Pass reconcile(Kernel& kernel, const KernelState& desired, Scope scope = Scope::everything);
// The same from a dump made just now.
Pass reconcile(Kernel& kernel, const KernelState& actual, const KernelState& desired, Scope scope);

}  // namespace pellicle
