// Announces this node to its peers by annotations on its own Node.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <optional>
#include <string>

#include "agent/kube/client.h"
#include "agent/kube/decode.h"
#include "agent/kube/list_watch.h"
#include "agent/kube/overload.h"
#include "agent/model/inputs.h"
#include "agent/model/objects.h"

namespace pellicle {

// The annotations of a node with these PodCIDRs, cilium_host addresses and sending key.
// `host_encryption`: traffic between pods and nodes is ESP as well.
Annotations published(const std::vector<DatapathConfig::Network>& networks,
                      const std::optional<uint8_t>& key_id, bool host_encryption = false);

// What a Node's spec and status say and peers need, for those that see its metadata alone. An
// address that the Node no longer has is withdrawn.
Annotations published_addresses(const Node& self, const std::vector<std::string>& internal_ips,
                                const Annotations& present);

// The epochs that this node sends with under pair keys, and which new epochs of others it receives.
// The latter is left out while it is empty and `present` has none to withdraw.
Annotations published(const Sender& sender, const std::set<uint32_t>& receives,
                      const Annotations& present);

// The annotations of `wanted` that `present` lacks or has with another value.
Annotations difference(const Annotations& wanted, const Annotations& present);

// A strategic merge patch that sets only these annotations.
std::string patch_body(const Annotations& annotations);

// Keeps the annotations of one Node as wanted: patches on a difference, retries with backoff after
// a failure. Repeated calls with the same annotations are harmless.
//
// Restores an annotation changed by another program at once, and with backoff when it is changed
// again: two agents with one node name (or an agent beside Cilium's) would otherwise overwrite each
// other as fast as the API answers, and every node of the cluster would follow. This counts as
// trouble until four of the longest backoffs pass without it.
class Publisher {
 public:
  struct Callbacks {
    std::function<void(const std::string& sentence)> on_trouble;  // once per sentence
    std::function<void()> on_healthy;                             // after trouble
  };
  Publisher(boost::asio::io_context& io, ApiClient& client, std::string node_name, uint64_t seed,
            Callbacks callbacks, const Pace& pace = {});

  // `present`: the Node's annotations as last seen. What only acknowledges other nodes' keys waits
  // for a random part of `spread`, so that a rotation does not make all nodes write at once.
  void publish(Annotations wanted, Annotations present, std::chrono::milliseconds spread = {});

 private:
  void consider();
  void answered(const Response& response);
  void wait(std::chrono::milliseconds delay);
  bool spread_out(const Annotations& missing);
  void failed(const Response& response);
  void look_for_others();
  void contested(const std::string& name);
  void trouble(std::string sentence);

  ApiClient& client_;
  std::string node_name_;
  uint64_t seed_;
  Callbacks callbacks_;
  Pace pace_;
  boost::asio::steady_timer timer_;
  boost::asio::steady_timer calm_;  // runs since another program's last change
  boost::asio::steady_timer turn_;  // of what is spread out
  Call call_;
  std::chrono::milliseconds spread_{0};
  bool has_turn_ = false;  // the random time is over
  bool awaits_turn_ = false;
  Overload overload_;
  Annotations wanted_;
  Annotations present_;
  Annotations sent_;   // by the last successful patch; empty once the watch should have shown it
  Annotations stood_;  // seen on the Node with the wanted value
  uint32_t overwritten_ = 0;  // changes by other programs since the last calm
  bool busy_ = false;         // a patch is active
  bool waiting_ = false;      // for the backoff
  uint32_t failures_ = 0;
  std::string trouble_;
};

}  // namespace pellicle
