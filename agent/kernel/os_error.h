// A system call or a netlink request that failed: the errno and one sentence, the kernel's own
// where it gave some.
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

// Throws OsError: "<what>: <the C library's words for it>".
[[noreturn]] inline void fail(int error, const std::string& what) {
  throw OsError(error, what + ": " + std::strerror(error));
}

}  // namespace pellicle
