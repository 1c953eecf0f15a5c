// One pass: dump, diff, apply, and what came of it.
#pragma once

#include "agent/reconcile/kernel.h"

namespace pellicle {

struct Pass {
  Plan plan;                      // what differed
  std::vector<Refusal> refusals;  // what of it the kernel would not take
  bool quiet() const { return plan.empty(); }
};

// How far a pass may go. `additions` changes and removes nothing: for when too little is known
// about what should be there, and what is there works.
enum class Scope { everything, additions };

// Brings the kernel to `desired`. One refused object does not stop the others (the block policy is
// in place before anything else). Throws KernelError when the kernel cannot be read.
Pass reconcile(Kernel& kernel, const KernelState& desired, Scope scope = Scope::everything);
// From a dump that was made just now.
Pass reconcile(Kernel& kernel, const KernelState& actual, const KernelState& desired, Scope scope);

}  // namespace pellicle
