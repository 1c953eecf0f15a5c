// Passes of which each part is timed.
#pragma once

#include <chrono>
#include <utility>

#include "agent/kernel/linux_kernel.h"
#include "tests/bench/scale/measure.h"
#include "tests/bench/scale/site.h"

namespace pellicle::bench {

class Stopwatch {
 public:
  double lap() {  // milliseconds since the last one
    const auto now = std::chrono::steady_clock::now();
    return std::chrono::duration<double, std::milli>(now - std::exchange(since_, now)).count();
  }

 private:
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
};

// As far as the plan.
struct Thought {
  PassParts parts;
  KernelState actual;
  Plan plan;
};
Thought think(LinuxKernel& kernel, const Inputs& cluster);

// Throws std::runtime_error when the kernel refuses anything.
void carry_out(LinuxKernel& kernel, const Plan& plan);
PassParts make_pass(LinuxKernel& kernel, const Inputs& cluster);

// By kind, each kind in one go.
Kinds carry_out_by_kind(LinuxKernel& kernel, const Plan& plan);

// The first dump of a process that has loaded the eBPF programs, and its next one.
struct Dumps {
  Kinds first;
  Kinds next;
};
Dumps dump_by_kind(const Site& site);

}  // namespace pellicle::bench
