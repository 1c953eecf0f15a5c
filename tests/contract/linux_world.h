// A random cluster (tests/harness/random_cluster.h) and the Linux of one of its nodes.
#pragma once

#include "tests/contract/linux_site.h"
#include "tests/harness/first_in_path.h"
#include "tests/harness/random_cluster.h"

namespace pellicle::contract {

// One node: what it was told, and its kernel, a network namespace of its own.
class LinuxWorld {
 public:
  // Its tool takes longer than all the rest together: off where the case is not about it.
  enum class Netfilter { on, off };
  explicit LinuxWorld(Netfilter netfilter = Netfilter::off);

  void happen(const Event& event);  // pods get their device, and lose it
  void happen(const std::vector<Event>& events);

  KernelState desired();  // for what was told and what the host is now
  // One pass as the agent makes it: reconcile, then publish the router address on the own Node.
  std::vector<Refusal> pass();
  void settle();   // passes until nothing differs; a few at most
  void restart();  // the agent, as another process

  Kernel& kernel() { return *kernel_; }
  const LinuxSite& site() const { return site_; }
  const Inputs& inputs() const { return inputs_; }

  // What a new node that is told the same, with the same pods, holds after one pass.
  KernelState from_nothing() const;

  // A few random commands of somebody who means no good. One that makes no sense now does nothing.
  std::vector<std::string> damage(Random& random) const;
  // Another process of ours, told nonsense, makes it so.
  void scramble(Random& random) const;

 private:
  FirstInPath tools_;  // plain `iptables` is legacy: this kernel has no nft, and trying is slow
  LinuxSite site_;
  std::shared_ptr<LinuxKernel> kernel_ = site_.start_agent();
  Inputs inputs_ = inputs_before_events();
};

}  // namespace pellicle::contract
