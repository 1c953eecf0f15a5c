// Waits for a DaemonSet to be ready on every node it is for: what a chart's hook does before it
// takes a DaemonSet away again.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <string>
#include <string_view>

#include "agent/kube/client.h"

namespace pellicle {

// How far a DaemonSet (JSON, as the API has it) is: "3 of 5 nodes are ready", or nothing when all
// are. A status that is older than the spec counts as nothing done.
std::string daemonset_progress(std::string_view daemonset);

class DaemonsetAwait {
 public:
  // `name` is NAMESPACE/NAME. `done` with an exit status: 0 once it is ready, 1 after `limit`.
  DaemonsetAwait(boost::asio::io_context& io, ApiClient& client, const std::string& name,
                 std::chrono::seconds limit, std::function<void(int)> done);
  void start();

 private:
  void got(const Response& response);

  ApiClient& client_;
  std::string path_;
  std::chrono::seconds limit_;
  std::chrono::steady_clock::time_point end_;
  std::function<void(int)> done_;
  boost::asio::steady_timer timer_;
  Call call_;
  std::string told_;
};

}  // namespace pellicle
