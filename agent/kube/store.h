// What the cluster says, as far as it is known: the Nodes and the key.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/kube/decode.h"
#include "agent/model/key.h"
#include "agent/model/node.h"

namespace pellicle {

struct ClusterSnapshot {
  std::map<std::string, Node> nodes;
  std::optional<IpsecKey> key;  // the last good one; none before one was seen
  std::vector<IpsecKey> older_keys;
  std::set<uint8_t> inherited_keys;
  std::vector<Problem> problems;  // in the order of Nodes' names, then the Secret's
  bool operator==(const ClusterSnapshot&) const = default;
};

class Store {
 public:
  // `own_node`: the Node whose annotations are kept as they stand, see annotations().
  // `node_addresses`: which of a Node's InternalIPs count, see decode_node().
  explicit Store(std::string own_node = "", WeakAlgorithms weak = WeakAlgorithms::refused,
                 std::vector<Cidr> node_addresses = {})
      : own_node_(std::move(own_node)), node_addresses_(std::move(node_addresses)), weak_(weak) {}

  // A complete LIST: these Nodes exist and no others.
  void nodes_listed(const std::vector<ApiObject>& objects);
  // False: nothing of what is kept of Nodes changed by it; most of what a kubelet writes is that.
  bool node_changed(const ApiObject& object, bool deleted);
  // A complete LIST of the one Secret: it has one object, or none.
  void secret_listed(const std::vector<ApiObject>& objects);
  void secret_changed(const ApiObject& object, bool deleted);

  // The keys that the kernel uses already: they go on when the Secret cannot be used, and a Secret
  // that gives their ids other keys is refused, also after a restart.
  void resume_keys(std::vector<IpsecKey> known, std::set<uint8_t> ids_only) {
    ring_.resume(std::move(known), std::move(ids_only));
  }
  // A key whose id the kernel uses already while its bytes are not known: it waits for a word on
  // whether it is the same.
  const std::optional<IpsecKey>& unconfirmed() const { return unconfirmed_; }
  void confirm_key(bool same);
  // See KeyRing. What the Secret says is asked again: an id may be free now.
  std::vector<IpsecKey> retire_keys(const KeyRing::Observation& seen,
                                    std::chrono::milliseconds patience);
  const KeyRing& ring() const { return ring_; }
  // The newest key is the one that the Secret has: what is said of it is advice.
  bool key_taken() const { return offered_ && offered_->key && offered_->key == ring_.newest(); }

  // As it was last seen.
  std::optional<Node> node(const std::string& name) const;

  // No value until both were listed once: nothing may be concluded from partial knowledge.
  std::optional<ClusterSnapshot> snapshot() const;

  // The annotations of this node's Node that are ours or Cilium's, as they stand; empty while it is
  // unknown. Of thousands of other Nodes they would be a tenth of the agent's memory.
  Annotations annotations() const;

  // The Node was last seen with the taint of taint.h.
  bool tainted(const std::string& node) const;
  // And with the condition of network_condition.h.
  bool network_unavailable(const std::string& node) const;

 private:
  struct Known {
    Node node;  // with last good values
    std::vector<Problem> problems;
    Annotations annotations;  // of this node alone
    bool tainted = false;
    bool network_unavailable = false;
    bool operator==(const Known&) const = default;
  };
  Known known(const ApiObject& object) const;
  void secret_missing();
  void consider_offer();

  std::string own_node_;
  std::vector<Cidr> node_addresses_;
  std::map<std::string, Known> nodes_;
  bool nodes_listed_ = false;
  bool secret_listed_ = false;
  WeakAlgorithms weak_;
  KeyRing ring_;
  std::optional<DecodedKey> offered_;  // what the Secret said last; none: it is missing
  std::optional<IpsecKey> unconfirmed_;
  std::vector<Problem> key_problems_;
};

}  // namespace pellicle
