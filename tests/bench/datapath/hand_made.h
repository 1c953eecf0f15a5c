// What Pellicle is compared with: two nodes that encrypt by hand-written `ip xfrm`, no eBPF, no
// netfilter, no agent.
#pragma once

#include <string>

#include "tests/harness/lab/network.h"

namespace pellicle::bench {

// Two nodes more on the lab's bridge, plugged in as its own, with the same algorithm; on the first
// one two pods, on the other one.
class HandMade {
 public:
  // `mtu` of the pods' routes, in bytes: what pods of the lab have.
  HandMade(lab::Network& network, unsigned mtu);
  ~HandMade();
  HandMade(const HandMade&) = delete;
  HandMade& operator=(const HandMade&) = delete;

  // Network namespaces, and addresses.
  static constexpr const char* kPod = "hand-pod";
  static constexpr const char* kNeighbour = "hand-neighbour";  // on the same node
  static constexpr const char* kNeighbourAddress = "10.200.1.3";
  static constexpr const char* kFar = "hand-far";  // on the other node
  static constexpr const char* kFarAddress = "10.200.2.2";
};

}  // namespace pellicle::bench
