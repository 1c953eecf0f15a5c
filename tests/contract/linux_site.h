// The Linux of one node for one case: a fresh network namespace with the uplink, a pin folder and a
// state directory.
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

  // Adds foreign objects, directly through netlink.
  void plant(const KernelState& objects) const;

  // Site::listing of tests/contract/suite.h, in the output of `ip`.
  std::set<std::string> listing() const;

  const std::string& state_dir() const { return state_.path(); }

 private:
  FreshNamespace namespace_;
  PinFolder pins_;
  TemporaryDirectory state_;
};

}  // namespace pellicle::contract
