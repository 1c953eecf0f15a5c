// The Nodes and the key, as far as the API server has reported them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/kube/beyond.h"
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

  // A complete LIST: exactly these Nodes exist. They may come in full or as metadata.
  void nodes_listed(const std::vector<ApiObject>& objects);
  // Returns false when nothing that is kept of Nodes changed, as with most of kubelet's updates.
  bool node_changed(const ApiObject& object, bool deleted);

  // Call before anything is listed when this node's Node has a watch of its own, in full. Then only
  // the next two say what it is.
  void own_node_comes_apart() { own_apart_ = true; }
  void own_node_listed(const std::vector<ApiObject>& objects);  // one or none
  bool own_node_changed(const ApiObject& object, bool deleted);

  // The Nodes whose metadata does not say enough. A Node is left out of the snapshot until it has
  // been read once, and so are all Nodes until those of the first LIST have.
  struct Unclear {
    std::string version;  // to read it at; empty: any
    bool rival = false;   // of a Node with the same claims: it matters whether it is silent
    bool operator==(const Unclear&) const = default;
  };
  std::map<std::string, Unclear> unclear() const;
  // What reading one of them in full brought; nullopt: there is no such Node. Returns false when
  // that changed nothing.
  bool node_read(const std::string& name, const std::optional<ApiObject>& object);
  // Some claim is not believed, so it matters which Nodes are silent.
  void look_for_rivals();
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
  // All InternalIPs of this node's Node, as it writes them.
  std::vector<std::string> internal_ips() const;

  // The Node was last seen with the taint of taint.h.
  bool tainted(const std::string& node) const;
  // The Node was last seen with the condition of network_condition.h.
  bool network_unavailable(const std::string& node) const;

 private:
  struct Known {
    Node node;  // with last good values
    std::vector<Problem> problems;
    Annotations annotations;                // of this node only
    std::vector<std::string> internal_ips;  // of this node only
    bool tainted = false;
    bool network_unavailable = false;
    bool metadata_only = false;
    bool lacks_addresses = false;  // see decode.h
    bool operator==(const Known&) const = default;
  };
  using Nodes = std::map<std::string, Known>;
  Known known(const ApiObject& object);
  void extend(const std::string& name, Known& known) const;
  bool comes_apart(const std::string& name) const { return own_apart_ && name == own_node_; }
  bool take(const ApiObject& object);
  bool remove(const std::string& name);
  void follow(const ApiObject& object, const Known& known);
  bool understood(const Nodes::value_type& node) const;
  void look_for_understanding();
  void secret_missing();
  void consider_offer();

  std::string own_node_;
  std::vector<Cidr> node_addresses_;
  Nodes nodes_;
  std::map<std::string, Beyond> beyond_;  // of Nodes that were read in full
  // Of the Nodes with the claims of others, and of those that lack addresses: as last heard.
  std::map<std::string, std::string> versions_;
  std::set<std::string> rivals_;
  bool own_apart_ = false;
  bool own_listed_ = false;
  bool nodes_listed_ = false;
  bool all_understood_ = false;  // once, each Node of a LIST was
  bool secret_listed_ = false;
  WeakAlgorithms weak_;
  KeyRing ring_;
  std::optional<DecodedKey> offered_;  // the last decoded Secret; nullopt: it is missing
  std::optional<IpsecKey> unconfirmed_;
  std::vector<Problem> key_problems_;
};

}  // namespace pellicle
