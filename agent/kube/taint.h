// The taint node.cilium.io/agent-not-ready: whoever makes Nodes sets it to keep pods away until the
// agent serves them, and the agent takes it off its own Node.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "agent/kube/client.h"

namespace pellicle {

inline constexpr const char* kNotReadyTaint = "node.cilium.io/agent-not-ready";

// A strategic merge patch that leaves a Node (JSON, as the API has it) all its taints but this one,
// and is refused when the Node has changed since: the API replaces the list as a whole (Kubernetes
// 1.36). None when the Node has no such taint.
std::optional<std::string> untaint_patch(std::string_view node);

// Takes the taint off one Node; again with backoff after a failure.
class TaintRemoval {
 public:
  struct Callbacks {
    std::function<void()> on_removed;
    std::function<void(const std::string& sentence)> on_trouble;
  };
  TaintRemoval(boost::asio::io_context& io, ApiClient& client, std::string node_name, uint64_t seed,
               Callbacks callbacks);

  // The Node was last seen with the taint. May be told as often as convenient.
  void remove();

 private:
  void got(const Response& response);
  void patched(const Response& response);
  void wait(const Response& response);

  ApiClient& client_;
  std::string path_;
  uint64_t seed_;
  Callbacks callbacks_;
  boost::asio::steady_timer timer_;
  Call call_;
  bool busy_ = false;  // under way, or waiting after a failure
  uint32_t failures_ = 0;
};

}  // namespace pellicle
