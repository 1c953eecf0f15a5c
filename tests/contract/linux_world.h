// A random cluster (tests/harness/random_cluster.h) and the Linux of one of its nodes.
#pragma once

#include "tests/contract/linux_site.h"
#include "tests/harness/first_in_path.h"
#include "tests/harness/random_cluster.h"

namespace pellicle::contract {

// One node: its inputs, and its kernel, a network namespace.
class LinuxWorld {
 public:
  // iptables takes longer than everything else together: off in cases that do not need it.
  enum class Netfilter { on, off };
  explicit LinuxWorld(Netfilter netfilter = Netfilter::off);

  void happen(const Event& event);  // creates and removes pods' devices
  void happen(const std::vector<Event>& events);

  KernelState desired();  // for the current inputs and host facts
  // One pass as the agent makes it: reconcile, then publish the router address on its own Node.
  std::vector<Refusal> pass();
  void settle();   // runs passes until nothing differs, at most four
  void restart();  // the agent, as another process

  Kernel& kernel() { return *kernel_; }
  const LinuxSite& site() const { return site_; }
  const Inputs& inputs() const { return inputs_; }

  // What a new node with the same inputs and the same pods holds after one pass.
  KernelState from_nothing() const;

  // Runs a few random damaging commands. A command that does not apply now has no effect.
  std::vector<std::string> damage(Random& random) const;
  // Another agent process applies random nonsense.
  void scramble(Random& random) const;

 private:
  FirstInPath tools_;  // plain `iptables` is legacy: this kernel has no nft, and trying nft is slow
  LinuxSite site_;
  std::shared_ptr<LinuxKernel> kernel_ = site_.start_agent();
  Inputs inputs_ = inputs_before_events();
};

}  // namespace pellicle::contract
