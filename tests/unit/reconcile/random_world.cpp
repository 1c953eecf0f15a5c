#include "tests/unit/reconcile/random_world.h"

#include "agent/reconcile/reconciler.h"
#include "tests/harness/seed_inputs.h"

namespace pellicle {

World::World() : inputs(inputs_before_events()) {
  kernel.program_tags = seed::program_tags();
  kernel.add_device("eth0", {.mtu = 1500, .addresses = {{seed::ip("172.18.0.3"), 16}}});
}

void World::happen(const Event& event) {
  if (const auto* pod = std::get_if<PodEvent>(&event)) {
    for (const auto& known : inputs.endpoints) {
      if (known.id == pod->id) kernel.remove_device(known.device);
    }
    if (pod->endpoint) kernel.add_device(pod->endpoint->device, {});
  }
  hear(inputs, event);
}

KernelState World::desired() {
  inputs.host = kernel.facts();
  return compute(inputs).state;
}

std::vector<Refusal> World::pass() {
  const auto done = reconcile(kernel, desired());
  remember_router(inputs);
  return done.refusals;
}

void World::settle() {
  for (int i = 0; i < 5; ++i) {
    pass();
    if (plan(desired(), kernel.dump()).empty()) return;
  }
}

}  // namespace pellicle
