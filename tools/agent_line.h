// Sends one line to this node's agent over its unix socket, and returns the line of its answer.
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>

namespace pellicle {

// No answer, or not an agent's.
class NoAnswer : public std::runtime_error {
 public:
  enum class Why {
    absent,   // no process listens
    closed,   // closed before a complete answer: the agent died, or has no place for another
              // connection
    late,     // nothing within the time limit
    garbled,  // not an agent's answer
    unasked,  // this process has no free descriptor
  };
  NoAnswer(Why why, const std::string& sentence) : std::runtime_error(sentence), why_(why) {}
  Why why() const { return why_; }

 private:
  Why why_;
};

// Without the line's end. Waits at most `limit` for each of connecting, sending and the answer,
// also when the agent is stopped or hangs; an answer longer than `longest` bytes is garbled.
// `descriptor` goes with the line's first byte (SCM_RIGHTS), unless it is negative; an agent that
// expects none does not notice.
std::string agent_answer(const std::string& socket, const std::string& line,
                         std::chrono::milliseconds limit, size_t longest, int descriptor = -1);

}  // namespace pellicle
