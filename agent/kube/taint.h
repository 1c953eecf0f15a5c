// The taint node.cilium.io/agent-not-ready. A Node registers with it, which keeps pods away until
// the agent serves them. The operator removes it. So does the agent where RBAC allows it: charts
// from before the operator did this have such RBAC.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "agent/kube/client.h"

namespace pellicle {

inline constexpr const char* kNotReadyTaint = "node.cilium.io/agent-not-ready";

// A strategic merge patch that removes only this taint from a Node (JSON, as the API returns it).
// The API refuses it when the Node has changed since, which is needed because it replaces the whole
// list (Kubernetes 1.36). nullopt when the Node lacks the taint.
std::optional<std::string> untaint_patch(std::string_view node);

// A patch that adds the taint with the effect NoSchedule: running pods stay. nullopt when the Node
// has the taint with any effect.
std::optional<std::string> taint_patch(std::string_view node);

// Changes the taint of one Node; retries with backoff after a failure.
class TaintWriter {
 public:
  struct Callbacks {
    std::function<void(bool written)> on_done;  // false: nothing to change, or the Node is gone
    std::function<void(const std::string& sentence)> on_trouble;
    // The API denied the write (403): no retry until the next call.
    std::function<void(const std::string& sentence)> on_forbidden;
  };
  TaintWriter(boost::asio::io_context& io, ApiClient& client, const std::string& node_name,
              uint64_t seed, Callbacks callbacks);

  // Call whenever the Node was last seen with the taint, or without; repeated calls are harmless. A
  // call while another request is active is ignored, so it has to be repeated.
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
  bool busy_ = false;  // a request is active, or a wait after a failure
  uint32_t failures_ = 0;
};

}  // namespace pellicle
