// Publishing what this node is to its peers: annotations on its own Node.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <optional>
#include <string>

#include "agent/kube/client.h"
#include "agent/kube/decode.h"
#include "agent/model/inputs.h"
#include "agent/model/objects.h"

namespace pellicle {

// The annotations of a node with these PodCIDRs, cilium_host addresses in them, and sending key.
Annotations published(const std::vector<DatapathConfig::Network>& networks,
                      const std::optional<uint8_t>& key_id);

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
class Publisher {
 public:
  struct Callbacks {
    std::function<void(const std::string& sentence)> on_trouble;  // once per sentence
    std::function<void()> on_healthy;                             // after trouble
  };
  Publisher(boost::asio::io_context& io, ApiClient& client, std::string node_name, uint64_t seed,
            Callbacks callbacks);

  // `present` is what the Node was last seen to have.
  void publish(Annotations wanted, Annotations present);

 private:
  void consider();
  void answered(const Response& response);
  void wait(std::chrono::milliseconds delay);

  ApiClient& client_;
  std::string node_name_;
  uint64_t seed_;
  Callbacks callbacks_;
  boost::asio::steady_timer timer_;
  Call call_;
  Annotations wanted_;
  Annotations present_;
  Annotations sent_;  // by the last patch that succeeded; empty once the watch should have shown it
  bool busy_ = false;     // a patch is under way
  bool waiting_ = false;  // after a failure
  uint32_t failures_ = 0;
  std::string trouble_;
};

}  // namespace pellicle
