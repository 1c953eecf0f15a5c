// One line to the agent of this node over its unix socket, and the line that answers it.
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>

namespace pellicle {

// Nobody answered, or what came is no answer.
class NoAnswer : public std::runtime_error {
 public:
  enum class Why {
    absent,   // nobody listens
    closed,   // the connection ended before a whole answer: it died, or has no place for us
    late,     // nothing within the time limit
    garbled,  // no answer of an agent
    unasked,  // this process has no descriptor for a socket
  };
  NoAnswer(Why why, const std::string& sentence) : std::runtime_error(sentence), why_(why) {}
  Why why() const { return why_; }

 private:
  Why why_;
};

// Without the line's end. Waits at most `limit` for each of connecting, sending and the answer,
// also when the agent is stopped or hangs; an answer longer than `longest` bytes is garbled.
std::string agent_answer(const std::string& socket, const std::string& line,
                         std::chrono::milliseconds limit, size_t longest);

}  // namespace pellicle
