// How each peer is sent to now, in one word.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/desired/desired.h"
#include "agent/reconcile/kernel.h"

namespace pellicle {

// "encrypted"; "dropped" while there is no key for it; "no route" while this node has none to the
// peer's own address; "refused" while the kernel refuses what it takes to send to it as is wanted:
// its route, the state or policy of the way that is used, or its entry in the eBPF map where
// policies ask for the mark that the entry gives. Then the refusals say what becomes of its
// packets.
class PeerStates {
 public:
  PeerStates(const Cluster& cluster, const std::vector<Refusal>& refusals);
  std::string of(const Peer& peer) const;

 private:
  void note(const Operation& operation);
  bool refused(const Peer& peer) const;

  std::set<Family> families_;  // of this node; of others nothing is programmed, nor taken away
  std::set<Cidr> entries_;
  std::set<Cidr> routes_;
  std::set<std::pair<Cidr, Mark>> policies_;
  std::set<State::Key> states_;
};

}  // namespace pellicle
