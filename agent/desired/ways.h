// Chooses the key and the SPI with which this node sends to a peer. No other code decides this.
#pragma once

#include <set>
#include <vector>

#include "agent/desired/desired.h"

namespace pellicle {

// The keys that this node holds. Refers to the Inputs, which must outlive it.
class Keys {
 public:
  explicit Keys(const Inputs& inputs) : inputs_(&inputs) {}

  bool empty() const { return !inputs_->key && inputs_->inherited_keys.empty(); }
  std::vector<const IpsecKey*> known() const;  // oldest first
  bool any_of_pairs() const;                   // a pair key, or an inherited one, which may be
  bool any_of_all() const;                     // a key that all nodes share: the plain form
  const std::set<uint8_t>& inherited() const { return inputs_->inherited_keys; }
  const Sender& sender() const { return inputs_->sender; }
  const Programmed& programmed() const { return inputs_->programmed; }
  bool host_encryption() const { return inputs_->settings.host_encryption; }

  // The keys with which this node sends to the peer, and the peer to this node. Pair keys need both
  // boot ids: see has_pair_key().
  Algorithm sending(const IpsecKey& key, const IpAddress& own, const Peer& peer,
                    const Epoch& epoch) const;
  Algorithm receiving(const IpsecKey& key, const IpAddress& own, const Peer& peer,
                      const Epoch& epoch) const;
  bool has_pair_key(const Peer& peer) const;
  // How an epoch of this node leads to the peer. An existing state of the epoch decides the form:
  // its mark cannot be changed, and no second state can exist beside it.
  Way pair_way(const IpsecKey& key, const Peer& peer, const Epoch& epoch) const;

 private:
  const Inputs* inputs_;
};

// Selectors of the policies that lead to a peer by this way; the pods' comes first. With host
// encryption also those from the node's own addresses. Without a key's mark the kernel selects
// packets that involve a pod by MARK_POD and MARK_LOCAL of bpf/datapath.h; with one the eBPF
// programs select them.
std::vector<Policy::Key> policies_to(const Cidr& own_pods, const Peer& peer, const Way& way,
                                     bool host_encryption);

// Sets `ways`, `key_id` and `waiting`.
//
// A peer that announces a key id (Node::key_id) gets packets with that key. A peer that announces a
// key which this node does not hold is ahead, and still receives with the key that works now. This
// node uses its newest epoch as soon as the peer has the states for it. A way that works is left
// only for one whose state, and every policy of it that has a mark, are in the kernel.
void choose_ways(const Inputs& inputs, Cluster& cluster);

}  // namespace pellicle
