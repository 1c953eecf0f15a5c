// What the cluster uses, to be compared with what it used before.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/harness/lab/listing.h"
#include "tests/soak/cluster.h"

namespace pellicle::soak {

// Of one node that stays.
struct NodeUse {
  // Bytes of its agent, VmRSS: the least in a second, as a pass needs some while it lasts.
  size_t resident = 0;
  size_t descriptors = 0;
  size_t threads = 0;
  std::map<std::string, size_t> counts;  // "XFRM states", "entries of pellicle_peers"
  lab::Listing listing;                  // all that is no state or policy: these change with keys
};

struct Use {
  std::map<std::string, NodeUse> nodes;
  std::map<std::string, size_t> counts;  // of the whole guest: "network namespaces"
  std::vector<std::string> namespaces;   // that have a name
};

size_t resident(const lab::NodeAgent& agent);  // bytes

// Once there is nothing to do any more and one key is left.
Use use_of(Cluster& cluster);

// A sentence for everything that did not return to what it was. Memory may have grown by
// kMemoryAllowance, and open files by kDescriptorAllowance, however long it took.
std::vector<std::string> not_returned(const Use& before, const Use& after);

// An allocator keeps what the largest burst needed, and bursts differ by chance. Pages that an
// agent reads of its program for the first time count as well. Seen: see tests/bench/RESULTS.md.
// The address sanitizer keeps what was freed, up to this size, and tells leaks itself at the end.
#ifdef __SANITIZE_ADDRESS__
inline constexpr size_t kMemoryAllowance = 256 << 20;
#else
inline constexpr size_t kMemoryAllowance = 4 << 20;
#endif

// Connections to the API server that are open for a while after a request, and files that are read.
inline constexpr size_t kDescriptorAllowance = 2;

// Packets that a node's eBPF programs or XFRM threw away, by reason: "xfrm XfrmInNoStates".
using Counters = std::map<std::string, uint64_t>;
Counters counters_of(Cluster& cluster, const std::string& node);

}  // namespace pellicle::soak
