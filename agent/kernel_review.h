// Faults of this node's kernel, and of what other programs do in it, that a pass does not meet.
#pragma once

#include <vector>

#include "agent/core/forgery_watch.h"
#include "agent/core/passes.h"
#include "agent/kernel/linux_kernel.h"
#include "agent/kernel_support.h"

namespace pellicle {

class KernelReview {
 public:
  explicit KernelReview(LinuxKernel& kernel);

  // After each pass, and before the first.
  void look(const LastPass& last);

  // Also reads the counters of forged packets.
  std::vector<Problem> problems(const LastPass& last, const PassReport& report);
  std::vector<Problem> lacks() const { return support_.problems(); }  // of what the key needs
  std::vector<ToldForgery> forgeries(const Cluster& cluster) const;

 private:
  void look_at_hooks(const KernelState& desired);
  void look_at_forgeries();

  LinuxKernel& kernel_;
  KernelSupport support_;
  ForgeryWatch forgeries_;
  std::vector<Problem> hooks_;  // programs that run before ours
};

}  // namespace pellicle
