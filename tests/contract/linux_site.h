// One node's worth of Linux for one case: a fresh network namespace with the uplink, a place for
// pins and a state directory.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "agent/kernel/linux_kernel.h"
#include "tests/contract/pods_site.h"
#include "tests/harness/temporary_directory.h"

namespace pellicle::contract {

class LinuxSite {
 public:
  LinuxSite();

  std::shared_ptr<LinuxKernel> start_agent() const;

  // Somebody else's objects, straight through netlink.
  void plant(const KernelState& objects) const;

  // As tests/contract/suite.h asks for it, in the words of `ip`.
  std::set<std::string> listing() const;

  const std::string& state_dir() const { return state_.path(); }

 private:
  FreshNamespace namespace_;
  PinFolder pins_;
  TemporaryDirectory state_;
};

}  // namespace pellicle::contract
