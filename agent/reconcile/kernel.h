// The interface between Pellicle and an operating system. Two classes implement it: kernel/ for
// Linux, and the tests' in-memory twin. One test suite runs against both.
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "agent/model/inputs.h"
#include "agent/reconcile/plan.h"

namespace pellicle {

// An operation that cannot be done now: the operation and the reason in one sentence. Caught around
// a pass and in main.
class KernelError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// One operation that the kernel refused; the others were carried out.
struct Refusal {
  Operation operation;
  int error = 0;         // errno, positive
  std::string sentence;  // the kernel's message if it gave one, else strerror
};

class Kernel {
 public:
  virtual ~Kernel() = default;

  // Reads the facts about this host. Throws KernelError.
  virtual HostFacts facts() = 0;

  // How this host itself reaches these addresses, by its current routes and rules. Throws
  // KernelError.
  virtual std::map<IpAddress, NextHop> next_hops(const std::vector<NextHopQuestion>& questions) = 0;

  // All objects that are ours, and nothing else. Returns a complete dump or throws KernelError: an
  // interrupted dump is repeated.
  virtual KernelState dump() = 0;

  // Packets that the existing states had received at the last dump, summed by key id. A key without
  // states has no entry.
  virtual std::map<uint8_t, uint64_t> received() const = 0;

  // Applies the operations in order and returns the refused ones. An operation whose result already
  // exists (removing an absent object) succeeds. Never touches objects that are not ours: an add is
  // refused with EEXIST if a foreign object has its key.
  virtual std::vector<Refusal> apply(const Plan& plan) = 0;
};

}  // namespace pellicle
