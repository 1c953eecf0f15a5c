// With which key, and under which SPI, a peer is sent to: the one place where that is decided.
#pragma once

#include <set>
#include <vector>

#include "agent/desired/desired.h"

namespace pellicle {

// What this node holds of keys; refers to the Inputs, which must outlive it.
class Keys {
 public:
  explicit Keys(const Inputs& inputs) : inputs_(&inputs) {}

  bool empty() const { return !inputs_->key && inputs_->inherited_keys.empty(); }
  std::vector<const IpsecKey*> known() const;  // oldest first
  bool any_of_pairs() const;                   // or may be
  bool any_of_all() const;                     // one on every node: the plain form
  const std::set<uint8_t>& inherited() const { return inputs_->inherited_keys; }
  const Sender& sender() const { return inputs_->sender; }
  const Programmed& programmed() const { return inputs_->programmed; }
  bool host_encryption() const { return inputs_->settings.host_encryption; }

  // With what this node sends to the peer, and the peer to this node. Pair keys need the two boot
  // ids: see has_pair_key().
  Algorithm sending(const IpsecKey& key, const IpAddress& own, const Peer& peer,
                    const Epoch& epoch) const;
  Algorithm receiving(const IpsecKey& key, const IpAddress& own, const Peer& peer,
                      const Epoch& epoch) const;
  bool has_pair_key(const Peer& peer) const;
  // How an epoch of this node leads to the peer. Where the kernel has a state of it, that decides:
  // a mark cannot be taken off or put on, and no second state can stand beside the first.
  Way pair_way(const IpsecKey& key, const Peer& peer, const Epoch& epoch) const;

 private:
  const Inputs* inputs_;
};

// The policies that lead to a peer by this way; the pods' comes first. With host encryption also
// those from the node's own addresses. Without a mark the kernel tells by MARK_POD and MARK_LOCAL
// of bpf/datapath.h what pods have a part in; with one the eBPF programs tell.
std::vector<Policy::Key> policies_to(const Cidr& own_pods, const Peer& peer, const Way& way,
                                     bool host_encryption);

// Fills in `ways`, `key_id` and `waiting`.
//
// A peer that says it receives with a key (Node::key_id) is sent to with that. One that names a key
// this node does not hold is ahead of it, and goes on receiving with what works now. Of this node's
// epochs the newest is taken as soon as the peer has what it needs for it. A way that works is left
// only for one of which the state, and every policy that asks for a mark, are in the kernel.
void choose_ways(const Inputs& inputs, Cluster& cluster);

}  // namespace pellicle
