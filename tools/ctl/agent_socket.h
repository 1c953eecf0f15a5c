// One request to this node's agent.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

namespace pellicle::ctl {

// No process answers, or not an agent; the sentence says what to do.
class Unreachable : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The agent accepts the connection but does not answer: it is stopped or hangs.
class Silent : public Unreachable {
 public:
  using Unreachable::Unreachable;
};

// The agent answered with an error.
class Refused : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Longer than a pass over thousands of peers: the agent answers only between passes.
inline constexpr std::chrono::seconds kAnswerLimit{30};

// Returns the "result" of a request over the unix socket. Throws Unreachable after `limit` without
// an answer.
nlohmann::ordered_json ask(const std::string& socket, const std::string& method,
                           const nlohmann::json& params = nlohmann::json::object(),
                           std::chrono::milliseconds limit = kAnswerLimit);

// Is an agent there, even one that hangs or refuses?
bool answers(const std::string& socket, std::chrono::milliseconds limit = kAnswerLimit);

}  // namespace pellicle::ctl
