// Passes with each part timed.
#pragma once

#include <chrono>
#include <utility>

#include "agent/kernel/linux_kernel.h"
#include "tests/bench/scale/measure.h"
#include "tests/bench/scale/site.h"

namespace pellicle::bench {

class Stopwatch {
 public:
  double lap() {  // milliseconds since the last call
    const auto now = std::chrono::steady_clock::now();
    return std::chrono::duration<double, std::milli>(now - std::exchange(since_, now)).count();
  }

 private:
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
};

// A pass up to its plan.
struct Thought {
  PassParts parts;
  KernelState actual;
  Plan plan;
};
Thought think(LinuxKernel& kernel, const Inputs& cluster);

// Throws std::runtime_error if the kernel refuses an operation.
void carry_out(LinuxKernel& kernel, const Plan& plan);
PassParts make_pass(LinuxKernel& kernel, const Inputs& cluster);

// Carries out each kind separately.
Kinds carry_out_by_kind(LinuxKernel& kernel, const Plan& plan);

// The first and the second dump of a process that has loaded the eBPF programs.
struct Dumps {
  Kinds first;
  Kinds next;
};
Dumps dump_by_kind(const Site& site);

}  // namespace pellicle::bench
