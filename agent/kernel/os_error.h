// A failed system call or netlink request: its errno and one sentence, with the kernel's message
// where it gave one.
#pragma once

#include <cstring>
#include <stdexcept>
#include <string>

namespace pellicle {

class OsError : public std::runtime_error {
 public:
  OsError(int error, const std::string& sentence) : std::runtime_error(sentence), error_(error) {}
  int error() const { return error_; }  // errno, positive

 private:
  int error_;
};

// Throws OsError with "<what>: <strerror>".
[[noreturn]] inline void fail(int error, const std::string& what) {
  throw OsError(error, what + ": " + std::strerror(error));
}

}  // namespace pellicle
