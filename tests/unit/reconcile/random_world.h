// A random cluster (tests/harness/random_cluster.h) and the kernel of one of its nodes.
#pragma once

#include "tests/harness/memory_kernel/memory_kernel.h"
#include "tests/harness/random_cluster.h"

namespace pellicle {

// One node: its inputs, and its kernel.
struct World {
  World();
  void happen(const Event& event);
  KernelState desired();  // for the current inputs and host facts
  // One pass as the agent makes it: reconciles, then publishes the router address on the own Node.
  std::vector<Refusal> pass();
  void settle();  // passes until nothing differs

  Inputs inputs;
  MemoryKernel kernel;
};

}  // namespace pellicle
