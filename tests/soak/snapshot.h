// The cluster's resource use, for comparison with an earlier one.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/harness/lab/listing.h"
#include "tests/soak/cluster.h"

namespace pellicle::soak {

// Of one permanent node.
struct NodeUse {
  // Bytes of the agent, VmRSS: the least within a second, since a pass briefly needs more.
  size_t resident = 0;
  size_t descriptors = 0;
  size_t threads = 0;
  std::map<std::string, size_t> counts;  // "XFRM states", "entries of pellicle_peers"
  lab::Listing listing;                  // all but states and policies: those change with keys
};

struct Use {
  std::map<std::string, NodeUse> nodes;
  std::map<std::string, size_t> counts;  // of the whole guest: "network namespaces"
  std::vector<std::string> namespaces;   // the named ones
};

size_t resident(const lab::NodeAgent& agent);  // bytes

// Call it when the agents have nothing left to do and hold one key.
Use use_of(Cluster& cluster);

// A sentence for each value that did not return to its earlier one. However long the run, memory
// may grow by kMemoryAllowance and open files by kDescriptorAllowance.
std::vector<std::string> not_returned(const Use& before, const Use& after);

// An allocator keeps what the largest burst needed, and bursts differ at random. Pages of the
// program that the agent reads for the first time count as well. Measured: see
// tests/bench/RESULTS.md. The address sanitizer keeps freed memory up to this size, and reports
// leaks itself at the end.
#ifdef __SANITIZE_ADDRESS__
inline constexpr size_t kMemoryAllowance = 256 << 20;
#else
inline constexpr size_t kMemoryAllowance = 4 << 20;
#endif

// API connections that stay open for a while after a request, and files being read.
inline constexpr size_t kDescriptorAllowance = 2;

// Packets that a node's eBPF programs or XFRM dropped, by reason: "xfrm XfrmInNoStates".
using Counters = std::map<std::string, uint64_t>;
Counters counters_of(Cluster& cluster, const std::string& node);

}  // namespace pellicle::soak
