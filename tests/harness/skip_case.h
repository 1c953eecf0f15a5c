// Ends a case that turns out not to be possible on this kernel, from wherever it is noticed. A case
// that decides for itself returns skipped() (tests/harness/skipped.h).
#pragma once

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>

namespace pellicle {

// Set once a check of the running program has failed (catch_main.cpp).
inline std::atomic<bool> a_check_failed = false;

// Exit status of a program whose case was skipped; ctest and tests/harness/guest/testcase know it.
constexpr int kSkippedStatus = 77;

// Only where each case has a process of its own, as in every guest. The processes that the case has
// started end with the guest. A check that failed before has precedence.
[[noreturn]] inline void skip_case(const std::string& why) {
  if (a_check_failed) throw std::runtime_error("a check has failed before; " + why);
  std::cout << "\nskipped: " << why << std::endl;
  std::fflush(nullptr);
  std::_Exit(kSkippedStatus);
}

}  // namespace pellicle
