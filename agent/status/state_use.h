// How this node's ESP states are used: when each last was, and how near a key is to its end.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "agent/kernel/linux_kernel.h"
#include "agent/kube/key_records.h"
#include "agent/kube/store.h"
#include "agent/status/last_use.h"

namespace pellicle {

class StateUse {
 public:
  StateUse(LinuxKernel& kernel, const Store& store) : kernel_(kernel), store_(store) {}

  // The states with the kernel's counters and the time of their last use. Throws KernelError.
  std::vector<ObservedState> observe();

  // After each pass: observes at most every ten seconds, often enough for people, rare enough to
  // cost nothing.
  void look();

  // Of the newest key, as of the last look; nullopt: unknown.
  const std::optional<SequenceUse>& of_sequence() const { return of_sequence_; }

 private:
  LinuxKernel& kernel_;
  const Store& store_;
  LastUse last_use_;
  std::chrono::steady_clock::time_point looked_{};
  std::optional<SequenceUse> of_sequence_;
};

}  // namespace pellicle
