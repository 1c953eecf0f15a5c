// What goes wrong, as the CNI specification has it: a number a runtime may act on, a sentence for
// people, and what lies behind it.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace pellicle::cni {

// CNI specification 1.1.0, section 2 ("Error") and the verb STATUS.
inline constexpr int kIncompatibleVersion = 1;
inline constexpr int kUnsupportedField = 2;
inline constexpr int kUnknownContainer = 3;  // the runtime need not call DEL
inline constexpr int kInvalidEnvironment = 4;
inline constexpr int kIo = 5;
inline constexpr int kUndecodable = 6;
inline constexpr int kInvalidConfiguration = 7;
inline constexpr int kTryLater = 11;
inline constexpr int kUnavailable = 50;     // STATUS: ADD cannot be served
inline constexpr int kFirstOfOurOwn = 100;  // what the specification leaves to plugins
inline constexpr int kUnforeseen = 999;

class Failure : public std::runtime_error {
 public:
  Failure(int code, const std::string& message, std::string details = {})
      : std::runtime_error(message), code_(code), details_(std::move(details)) {}

  int code() const { return code_; }
  const std::string& details() const { return details_; }  // may be empty

 private:
  int code_;
  std::string details_;
};

}  // namespace pellicle::cni
