// The two back ends of netfilter. An agent tries the better one first: only when it writes does the
// kernel say that it lacks something.
#pragma once

#include <string>
#include <vector>

#include "agent/kernel/modules.h"
#include "agent/kernel/netfilter_backend.h"
#include "agent/preflight/finding.h"

namespace pellicle {

struct BackendFacts {
  std::string name;          // "iptables-nft"
  bool tools = false;        // its programs are there; nftables needs none
  bool readable = false;     // its tables can be read in this kernel
  std::string failure = {};  // why one that is there cannot be
  BackendWeight weight = {};
};

// Reads every table; loads none. Tries a chain of nftables elsewhere.
std::vector<BackendFacts> read_backends();

Findings judge_backends(const std::vector<BackendFacts>& backends, const KernelModules& modules);

}  // namespace pellicle
