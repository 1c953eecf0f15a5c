// Writes assignments to Nodes: a few in parallel, each once, with backoff after a failure.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <set>

#include "agent/kube/client.h"
#include "tools/operator/allocator.h"

namespace pellicle {

class Assigner {
 public:
  struct Callbacks {
    std::function<bool(std::chrono::milliseconds needs)> may_act;
    std::function<void(const Assignment&)> on_assigned;
    // The API refused it: nothing was written.
    std::function<void(const Assignment&, const std::string& sentence)> on_refused;
    // The outcome is unknown: it may have been written.
    std::function<void(const Assignment&, const std::string& sentence)> on_trouble;
    std::function<void()> on_retry;  // plan again now
  };
  // `limit`: of one request.
  Assigner(boost::asio::io_context& io, ApiClient& client, std::chrono::milliseconds limit,
           uint64_t seed, Callbacks callbacks);

  // The currently missing assignments; replaces earlier ones that are not active.
  void assign(const std::vector<Assignment>& missing);

  // Starts no more requests, and calls `done` when none is active.
  void drain(std::function<void()> done);

 private:
  struct Failure {
    uint32_t count = 0;
    std::string version;  // of the Node at the failed request
    std::chrono::steady_clock::time_point until;
  };
  void send(const Assignment& assignment);
  void answered(const Assignment& assignment, const Response& response);
  void fail(const Assignment& assignment, const Response& response);
  bool rests(const Assignment& assignment) const;
  void wake_at_first();

  ApiClient& client_;
  std::chrono::milliseconds limit_;
  uint64_t seed_;
  Callbacks callbacks_;
  boost::asio::steady_timer timer_;
  size_t window_ = 1;                           // limit of active requests
  std::map<std::string, Call> calls_;           // by Node
  std::map<std::string, std::string> settled_;  // Node -> its version at the answered request
  std::map<std::string, Failure> failures_;
  std::function<void()> drained_;
};

}  // namespace pellicle
