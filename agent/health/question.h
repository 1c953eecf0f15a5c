// One question to one node: does it answer, how fast, and packets of full size too?
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>

#include "agent/health/paths.h"

namespace pellicle {

// Connects, which takes one round trip and is answered by the peer's kernel; then sends more than
// one full segment and waits for the peer's agent to say hello. Dropped: the question is withdrawn,
// and nobody is called.
class HealthQuestion {
 public:
  using Done = std::function<void(const HealthResult& result)>;
  // `done` is called once, not before this returns; `since` of the result is not set.
  static std::shared_ptr<HealthQuestion> ask(boost::asio::io_context& io, const HealthPath& path,
                                             std::chrono::seconds patience, Done done);
  virtual ~HealthQuestion() = default;
};

}  // namespace pellicle
