// A case that cannot do what it is for where it runs.
#pragma once

#include <cstdlib>
#include <fstream>
#include <string>

#include "tests/harness/catch.h"

namespace pellicle {

// Says why, to be followed by `return`. tools/test repeats the reason at its end, and ctest counts
// a case with a guest of its own as skipped if it passes. Not for one of several in one guest.
inline void skipped(const std::string& why) {
  WARN("skipped: " << why);
  const char* results = std::getenv("PELLICLE_RESULTS");
  if (results != nullptr) std::ofstream(std::string(results) + "/skipped") << why << "\n";
}

}  // namespace pellicle
