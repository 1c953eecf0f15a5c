// Publishing what this node is to its peers: annotations on its own Node.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <optional>
#include <string>

#include "agent/kube/client.h"
#include "agent/kube/decode.h"
#include "agent/kube/list_watch.h"
#include "agent/model/inputs.h"
#include "agent/model/objects.h"

namespace pellicle {

// The annotations of a node with these PodCIDRs, cilium_host addresses in them, and sending key.
// `host_encryption`: what is between pods and nodes is ESP as well.
Annotations published(const std::vector<DatapathConfig::Network>& networks,
                      const std::optional<uint8_t>& key_id, bool host_encryption = false);

// What it sends with under pair keys, and which new epochs of others it receives. The last is left
// out while there is nothing to say and nothing to take back in `present`.
Annotations published(const Sender& sender, const std::set<uint32_t>& receives,
                      const Annotations& present);

// Those of `wanted` that `present` lacks or has with another value.
Annotations difference(const Annotations& wanted, const Annotations& present);

// A strategic merge patch that sets these annotations and touches nothing else.
std::string patch_body(const Annotations& annotations);

// Keeps the annotations of one Node as wanted: patches when they differ, again with backoff after a
// failure. It may be told the same thing as often as convenient.
//
// What somebody else has changed is put back at once, and when that happens again with backoff: two
// agents with one node name (or an agent beside Cilium's) would overwrite each other as fast as the
// API answers, and every node of the cluster would follow. That is trouble, until it has not
// happened for four of the longest backoffs.
class Publisher {
 public:
  struct Callbacks {
    std::function<void(const std::string& sentence)> on_trouble;  // once per sentence
    std::function<void()> on_healthy;                             // after trouble
  };
  Publisher(boost::asio::io_context& io, ApiClient& client, std::string node_name, uint64_t seed,
            Callbacks callbacks, const Pace& pace = {});

  // `present` is what the Node was last seen to have.
  void publish(Annotations wanted, Annotations present);

 private:
  void consider();
  void answered(const Response& response);
  void wait(std::chrono::milliseconds delay);
  void look_for_others();
  void contested(const std::string& name);
  void trouble(std::string sentence);

  ApiClient& client_;
  std::string node_name_;
  uint64_t seed_;
  Callbacks callbacks_;
  Pace pace_;
  boost::asio::steady_timer timer_;
  boost::asio::steady_timer calm_;  // since somebody else changed something
  Call call_;
  Annotations wanted_;
  Annotations present_;
  Annotations sent_;  // by the last patch that succeeded; empty once the watch should have shown it
  Annotations stood_;         // as wanted, and seen to be so
  uint32_t overwritten_ = 0;  // by somebody else, before it was calm
  bool busy_ = false;         // a patch is under way
  bool waiting_ = false;      // after a failure
  uint32_t failures_ = 0;
  std::string trouble_;
};

}  // namespace pellicle
