// One question to the agent of this node.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>

namespace pellicle::ctl {

// Nobody answers, or not in our language; the sentence says what to do.
class Unreachable : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The agent answered with an error.
class Refused : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The "result" of a request over the unix socket. Waits 30 s at most.
nlohmann::ordered_json ask(const std::string& socket, const std::string& method,
                           const nlohmann::json& params = nlohmann::json::object());

}  // namespace pellicle::ctl
