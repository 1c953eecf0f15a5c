// The one seam between Pellicle and an operating system. Two classes implement it: kernel/ for
// Linux, and the tests' in-memory twin; one test suite holds both to the same law.
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "agent/model/inputs.h"
#include "agent/reconcile/plan.h"

namespace pellicle {

// The job cannot be done now: the operation and the reason in one sentence. Caught around a pass
// and in main.
class KernelError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// One operation that the kernel refused; the others went on.
struct Refusal {
  Operation operation;
  int error = 0;         // errno, positive
  std::string sentence;  // the kernel's own words where it gave some, else strerror
};

class Kernel {
 public:
  virtual ~Kernel() = default;

  // What this host is. Throws KernelError.
  virtual HostFacts facts() = 0;

  // How this host itself reaches these addresses, by its routes and rules as they are now. Throws
  // KernelError.
  virtual std::map<IpAddress, NextHop> next_hops(const std::vector<NextHopQuestion>& questions) = 0;

  // All objects that are ours, and nothing else. Complete or a KernelError: an interrupted dump is
  // repeated.
  virtual KernelState dump() = 0;

  // Carries the operations out in order and returns those that were refused. An operation that
  // finds its work done already (removing what is absent) succeeds. Never touches what is not ours:
  // an add whose place is taken by a foreign object is refused with EEXIST.
  virtual std::vector<Refusal> apply(const Plan& plan) = 0;
};

}  // namespace pellicle
