// One question to the agent of this node, over its unix socket.
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>

#include "tools/cni/configuration.h"

namespace pellicle::cni {

inline constexpr size_t kLongestAnswer = 1 << 20;  // bytes

// Nobody answered, or what came is no answer.
class NoAnswer : public std::runtime_error {
 public:
  enum class Why {
    absent,   // nobody listens
    closed,   // the connection ended before a whole answer: it died, or has no place for us
    late,     // nothing within the time limit
    garbled,  // no answer of an agent
  };
  NoAnswer(Why why, const std::string& sentence) : std::runtime_error(sentence), why_(why) {}
  Why why() const { return why_; }

 private:
  Why why_;
};

// The "result" of the request. Waits at most `limit` for each of connecting, sending and the
// answer. NoAnswer; Failure when the agent refuses, with its code where a runtime may see that.
Json ask(const std::string& socket, const std::string& method, const Json& params,
         std::chrono::milliseconds limit);

}  // namespace pellicle::cni
