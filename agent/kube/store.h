// The Nodes and the key, as far as the API server has reported them.
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
  std::optional<IpsecKey> key;  // the last good one; nullopt before the first
  std::vector<IpsecKey> older_keys;
  std::set<uint8_t> inherited_keys;
  std::vector<Problem> problems;  // by Node name, then those of the Secret
  bool operator==(const ClusterSnapshot&) const = default;
};

class Store {
 public:
  // `own_node`: the Node whose annotations are kept, see annotations(). `node_addresses`: which of
  // a Node's InternalIPs count, see decode_node().
  explicit Store(std::string own_node = "", WeakAlgorithms weak = WeakAlgorithms::refused,
                 std::vector<Cidr> node_addresses = {})
      : own_node_(std::move(own_node)), node_addresses_(std::move(node_addresses)), weak_(weak) {}

  // A complete LIST: exactly these Nodes exist.
  void nodes_listed(const std::vector<ApiObject>& objects);
  // Returns false when nothing that is kept of Nodes changed, as with most of kubelet's updates.
  bool node_changed(const ApiObject& object, bool deleted);
  // A complete LIST of the one Secret: one object or none.
  void secret_listed(const std::vector<ApiObject>& objects);
  void secret_changed(const ApiObject& object, bool deleted);

  // Keys that the kernel already uses. They stay in use while the Secret is unusable, and a Secret
  // that gives their ids other keys is refused, also after a restart.
  void resume_keys(std::vector<IpsecKey> known, std::set<uint8_t> ids_only) {
    ring_.resume(std::move(known), std::move(ids_only));
  }
  // A key of the Secret whose id the kernel already uses with unknown key bytes; it waits for
  // confirm_key().
  const std::optional<IpsecKey>& unconfirmed() const { return unconfirmed_; }
  void confirm_key(bool same);
  // See KeyRing::retire(). Then considers the Secret again: an id may be free now.
  std::vector<IpsecKey> retire_keys(const KeyRing::Observation& seen,
                                    std::chrono::milliseconds patience);
  const KeyRing& ring() const { return ring_; }
  // The newest key is the Secret's, so problems of the Secret are only advice.
  bool key_taken() const { return offered_ && offered_->key && offered_->key == ring_.newest(); }

  // The Node as last seen.
  std::optional<Node> node(const std::string& name) const;

  // nullopt until both were listed once: nothing may be concluded from partial inputs.
  std::optional<ClusterSnapshot> snapshot() const;

  // This node's annotations with our or Cilium's prefix, unchanged; empty while its Node is
  // unknown. For thousands of other Nodes they would take a tenth of the agent's memory.
  Annotations annotations() const;

  // The Node was last seen with the taint of taint.h.
  bool tainted(const std::string& node) const;
  // The Node was last seen with the condition of network_condition.h.
  bool network_unavailable(const std::string& node) const;

 private:
  struct Known {
    Node node;  // with last good values
    std::vector<Problem> problems;
    Annotations annotations;  // of this node only
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
  std::optional<DecodedKey> offered_;  // the last decoded Secret; nullopt: it is missing
  std::optional<IpsecKey> unconfirmed_;
  std::vector<Problem> key_problems_;
};

}  // namespace pellicle
