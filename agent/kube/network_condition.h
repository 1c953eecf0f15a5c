// The condition NetworkUnavailable: cloud providers set it on a new Node, and Kubernetes keeps pods
// away with a taint of its own until what routes for the Node takes it back.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <string>

#include "agent/kube/client.h"

namespace pellicle {

// A strategic merge patch for nodes/status that says that the network is there, and changes no
// other condition. `now`: RFC 3339.
std::string network_available_patch(const std::string& now);

// Says so on one Node; again with backoff after a failure, and no sooner than ten seconds after a
// success: another controller may keep saying the contrary.
class NetworkCondition {
 public:
  struct Callbacks {
    std::function<void()> on_written;
    std::function<void(const std::string& sentence)> on_trouble;
  };
  NetworkCondition(boost::asio::io_context& io, ApiClient& client, const std::string& node_name,
                   uint64_t seed, Callbacks callbacks);

  // The Node was last seen with the condition. May be told as often as convenient.
  void available();

 private:
  void answered(const Response& response);

  ApiClient& client_;
  std::string node_name_;
  uint64_t seed_;
  Callbacks callbacks_;
  boost::asio::steady_timer timer_;
  Call call_;
  bool busy_ = false;  // under way, or waiting
  uint32_t failures_ = 0;
};

}  // namespace pellicle
