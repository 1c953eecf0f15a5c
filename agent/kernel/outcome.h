#pragma once

#include <string>

namespace pellicle {

// The kernel's answer to one request.
struct Outcome {
  int error = 0;         // errno, positive; 0: success
  std::string sentence;  // the kernel's extended ACK, else strerror; empty on success
  bool ok() const { return error == 0; }
  bool operator==(const Outcome&) const = default;
};

}  // namespace pellicle
