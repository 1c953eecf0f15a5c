// Why a request over the unix socket cannot be served.
#pragma once

#include <stdexcept>
#include <string>

namespace pellicle {

// Error codes below 100 are those of the CNI specification (1.1.0, "Well-known Error Codes"); codes
// from 100 on are Pellicle's.
class RequestError : public std::runtime_error {
 public:
  RequestError(int code, const std::string& message) : std::runtime_error(message), code_(code) {}
  int code() const { return code_; }

 private:
  int code_;
};

inline constexpr int kErrorNoContainer = 3;  // unknown, or its network namespace is gone
inline constexpr int kErrorUnknownMethod = 4;
inline constexpr int kErrorInvalid = 7;
inline constexpr int kErrorTryLater = 11;
inline constexpr int kErrorFailed = 100;     // the kernel or the disk refused something
inline constexpr int kErrorExhausted = 101;  // no address is free
inline constexpr int kErrorBroken = 102;     // a pod is not wired as expected (CNI CHECK)

}  // namespace pellicle
