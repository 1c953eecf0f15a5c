#include "agent/pass_preview.h"

namespace pellicle {

namespace {

// What the kernel holds once it has taken every operation of a step.
KernelState after_step(KernelState actual, const KernelState& desired, Scope scope) {
  if (scope == Scope::everything) return desired;
  for_each_table([&](const char*, auto member) {
    const auto& wanted = desired.*member;
    (actual.*member).insert(wanted.begin(), wanted.end());
  });
  return actual;
}

}  // namespace

Desired with_programmed(KernelState& actual, Inputs& inputs, const Conclude& conclude) {
  const auto swap = [&] {
    auto& lent = inputs.programmed;
    std::swap(lent.states, actual.states);
    std::swap(lent.policies, actual.policies);
    std::swap(lent.peers, actual.peers);
  };
  swap();
  auto desired = conclude(inputs);
  swap();
  inputs.programmed = {};
  return desired;
}

Plan preview(KernelState actual, Inputs inputs, const Conclude& conclude,
             const std::function<Scope(const Desired&)>& scope, bool one_step) {
  Plan operations;
  for (int i = 0; i < kMostSteps; ++i) {
    const auto desired = with_programmed(actual, inputs, conclude);
    const auto extent = scope(desired);
    auto step = plan(desired.state, actual, extent);
    const bool more = desired.cluster.waiting && !step.empty() && !one_step;
    operations.insert(operations.end(), std::make_move_iterator(step.begin()),
                      std::make_move_iterator(step.end()));
    if (!more) break;
    actual = after_step(std::move(actual), desired.state, extent);
  }
  return operations;
}

}  // namespace pellicle
