// What happens now to packets for each peer, in one or two words.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/desired/desired.h"
#include "agent/reconcile/kernel.h"

namespace pellicle {

// "encrypted";
// "dropped" while there is no key for the peer;
// "no route" while this node has no route to the peer's own address;
// "refused" while the kernel refuses an object that sending needs: the route, the state or policy
// of the way in use, or, where policies need the mark that the eBPF map entry sets, that entry. The
// refusals then say what happens to the packets.
class PeerStates {
 public:
  PeerStates(const Cluster& cluster, const std::vector<Refusal>& refusals);
  std::string of(const Peer& peer) const;

 private:
  void note(const Operation& operation);
  bool refused(const Peer& peer) const;

  std::set<Family> families_;  // of this node; objects of other families are left as they are
  std::set<Cidr> entries_;
  std::set<Cidr> routes_;
  std::set<std::pair<Cidr, Mark>> policies_;
  std::set<State::Key> states_;
};

}  // namespace pellicle
