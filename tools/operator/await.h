// Waits until a DaemonSet is ready on all its nodes. A chart's hook does this before it removes a
// DaemonSet.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <string>
#include <string_view>

#include "agent/kube/client.h"

namespace pellicle {

// Progress of a DaemonSet (JSON, as the API returns it): "3 of 5 nodes are ready", or empty when
// all are. A status older than the spec counts as no progress.
std::string daemonset_progress(std::string_view daemonset);

class DaemonsetAwait {
 public:
  // `name`: NAMESPACE/NAME. Calls `done` with an exit status: 0 when ready, 1 after `limit`.
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
