// The taint node.cilium.io/agent-not-ready: a Node is registered with it, which keeps pods away
// until the agent serves them. The operator takes it off. So does the agent where RBAC lets it:
// charts before the operator did that have such RBAC.
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

// The same that adds it, with the effect NoSchedule: pods that run there go on. None when the Node
// has the taint, with whatever effect.
std::optional<std::string> taint_patch(std::string_view node);

// Changes the taint of one Node; again with backoff after a failure.
class TaintWriter {
 public:
  struct Callbacks {
    std::function<void(bool written)> on_done;  // false: the Node was already so, or has gone
    std::function<void(const std::string& sentence)> on_trouble;
    // The API does not let us (403): nothing is tried again until it is asked for again.
    std::function<void(const std::string& sentence)> on_forbidden;
  };
  TaintWriter(boost::asio::io_context& io, ApiClient& client, const std::string& node_name,
              uint64_t seed, Callbacks callbacks);

  // The Node was last seen with the taint, or without. May be told as often as convenient; what is
  // told while another request is under way takes effect when it is told again.
  void remove() { begin(untaint_patch); }
  void put() { begin(taint_patch); }

 private:
  using Patch = std::optional<std::string> (*)(std::string_view node);
  void begin(Patch patch);
  void ask();
  void got(const Response& response);
  void patched(const Response& response);
  void fail(const Response& response);

  ApiClient& client_;
  std::string path_;
  uint64_t seed_;
  Callbacks callbacks_;
  boost::asio::steady_timer timer_;
  Patch patch_ = untaint_patch;
  Call call_;
  bool busy_ = false;  // under way, or waiting after a failure
  uint32_t failures_ = 0;
};

}  // namespace pellicle
