// A random cluster (tests/harness/random_cluster.h) and the kernel of one of its nodes.
#pragma once

#include "tests/harness/memory_kernel/memory_kernel.h"
#include "tests/harness/random_cluster.h"

namespace pellicle {

// One node: what it was told, and its kernel.
struct World {
  World();
  void happen(const Event& event);
  KernelState desired();  // for what was told and what the host is now
  // One pass as the agent makes it: reconcile, then publish the router address on the own Node.
  std::vector<Refusal> pass();
  void settle();  // passes until nothing differs

  Inputs inputs;
  MemoryKernel kernel;
};

}  // namespace pellicle
