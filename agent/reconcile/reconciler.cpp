#include "agent/reconcile/reconciler.h"

namespace pellicle {

Pass reconcile(Kernel& kernel, const KernelState& desired, Scope scope) {
  return reconcile(kernel, kernel.dump(), desired, scope);
}

Plan plan(const KernelState& desired, const KernelState& actual, Scope scope) {
  auto operations = plan(desired, actual);
  if (scope == Scope::additions) {
    std::erase_if(operations, [](const Operation& each) { return action(each) != Action::add; });
  }
  return operations;
}

Pass reconcile(Kernel& kernel, const KernelState& actual, const KernelState& desired, Scope scope) {
  Pass pass{.plan = plan(desired, actual, scope), .refusals = {}};
  if (!pass.quiet()) pass.refusals = kernel.apply(pass.plan);
  return pass;
}

}  // namespace pellicle
