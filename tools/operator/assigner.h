// Writes assignments to Nodes: a few at a time, each once, again with backoff after a failure.
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
    // The API has said no: nothing was written.
    std::function<void(const Assignment&, const std::string& sentence)> on_refused;
    // It may have been written, or not.
    std::function<void(const Assignment&, const std::string& sentence)> on_trouble;
    std::function<void()> on_retry;  // it is time to plan again
  };
  // `limit` is that of one request.
  Assigner(boost::asio::io_context& io, ApiClient& client, std::chrono::milliseconds limit,
           uint64_t seed, Callbacks callbacks);

  // What is missing now; replaces what was said before and is not under way.
  void assign(const std::vector<Assignment>& missing);

  // Begins nothing more, and calls `done` once nothing is under way.
  void drain(std::function<void()> done);

 private:
  struct Failure {
    uint32_t count = 0;
    std::string version;  // of the Node that it was about
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
  size_t window_ = 1;                           // how many may be under way
  std::map<std::string, Call> calls_;           // by Node
  std::map<std::string, std::string> settled_;  // Node -> the version that was answered for
  std::map<std::string, Failure> failures_;
  std::function<void()> drained_;
};

}  // namespace pellicle
