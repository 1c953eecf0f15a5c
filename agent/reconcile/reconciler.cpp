#include "agent/reconcile/reconciler.h"

namespace pellicle {

Pass reconcile(Kernel& kernel, const KernelState& desired, Scope scope) {
  return reconcile(kernel, kernel.dump(), desired, scope);
}

Pass reconcile(Kernel& kernel, const KernelState& actual, const KernelState& desired, Scope scope) {
  Pass pass{.plan = plan(desired, actual), .refusals = {}};
  if (scope == Scope::additions) {
    std::erase_if(pass.plan, [](const Operation& each) { return action(each) != Action::add; });
  }
  if (!pass.quiet()) pass.refusals = kernel.apply(pass.plan);
  return pass;
}

}  // namespace pellicle
