// One question to one node: does it answer, how fast, and does it receive full-size packets?
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>

#include "agent/health/paths.h"

namespace pellicle {

// Connects, which takes one round trip to the peer's kernel. Then sends more than one full segment
// and waits for an HTTP answer from the peer's agent. Destroying the question cancels it; `done` is
// not called then.
class HealthQuestion {
 public:
  using Done = std::function<void(const HealthResult& result)>;
  // Calls `done` once, after this returns. Does not set `since` of the result.
  static std::shared_ptr<HealthQuestion> ask(boost::asio::io_context& io, const HealthPath& path,
                                             std::chrono::seconds patience, Done done);
  virtual ~HealthQuestion() = default;
};

}  // namespace pellicle
