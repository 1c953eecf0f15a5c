#pragma once

#include <string>

namespace pellicle {

// What the kernel said to one request.
struct Outcome {
  int error = 0;         // errno, positive; 0: done
  std::string sentence;  // the kernel's extended acknowledgement, else strerror; empty when done
  bool ok() const { return error == 0; }
  bool operator==(const Outcome&) const = default;
};

}  // namespace pellicle
