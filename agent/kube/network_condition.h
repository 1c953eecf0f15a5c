// The condition NetworkUnavailable. Cloud providers set it on a new Node, and Kubernetes keeps pods
// away with a taint until the component that routes for the Node clears it.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <string>

#include "agent/kube/client.h"

namespace pellicle {

// A strategic merge patch for nodes/status that sets NetworkUnavailable to False and changes no
// other condition. `now`: RFC 3339.
std::string network_available_patch(const std::string& now);

// Clears the condition on one Node. Retries with backoff after a failure, and waits at least ten
// seconds after a success, because another controller may keep setting it.
class NetworkCondition {
 public:
  struct Callbacks {
    std::function<void()> on_written;
    std::function<void(const std::string& sentence)> on_trouble;
  };
  NetworkCondition(boost::asio::io_context& io, ApiClient& client, const std::string& node_name,
                   uint64_t seed, Callbacks callbacks);

  // Call whenever the Node was seen with the condition; repeated calls are harmless.
  void available();

 private:
  void answered(const Response& response);

  ApiClient& client_;
  std::string node_name_;
  uint64_t seed_;
  Callbacks callbacks_;
  boost::asio::steady_timer timer_;
  Call call_;
  bool busy_ = false;  // a request is active, or a wait
  uint32_t failures_ = 0;
};

}  // namespace pellicle
