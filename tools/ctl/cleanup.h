// Removes all of Pellicle's objects from this node's kernel, and nothing else.
#pragma once

#include <string>
#include <vector>

#include "agent/cni/installation.h"

namespace pellicle::ctl {

struct CleanupOptions {
  std::string state_dir;
  std::string bpf_root;
  CniSettings cni;  // where the plugin and its configuration were installed
  bool keep_pods =
      false;  // leaves the pods' devices; their traffic to other nodes is no longer encrypted
  bool dry_run = false;
};

struct CleanupResult {
  std::vector<std::string> removed;   // one line per object
  std::vector<std::string> failures;  // one sentence per object that remains
};

// Throws KernelError when the kernel cannot be read.
CleanupResult cleanup(const CleanupOptions& options);

}  // namespace pellicle::ctl
