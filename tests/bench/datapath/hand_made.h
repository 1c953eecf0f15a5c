// The baseline for Pellicle: two nodes with hand-written `ip xfrm`, without eBPF, netfilter or an
// agent.
#pragma once

#include <string>

#include "tests/harness/lab/network.h"

namespace pellicle::bench {

// Two more nodes on the lab's bridge, connected as the lab's own, with the same algorithm. The
// first has two pods, the second one.
class HandMade {
 public:
  // `mtu`: of the pods' routes, in bytes; the same as of the lab's pods.
  HandMade(lab::Network& network, unsigned mtu);
  ~HandMade();
  HandMade(const HandMade&) = delete;
  HandMade& operator=(const HandMade&) = delete;

  // Network namespaces and addresses.
  static constexpr const char* kPod = "hand-pod";
  static constexpr const char* kNeighbour = "hand-neighbour";  // on the same node
  static constexpr const char* kNeighbourAddress = "10.200.1.3";
  static constexpr const char* kFar = "hand-far";  // on the other node
  static constexpr const char* kFarAddress = "10.200.2.2";
};

}  // namespace pellicle::bench
