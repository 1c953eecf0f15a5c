// A case that cannot do what it is for where it runs.
#pragma once

#include <cstdlib>
#include <fstream>
#include <string>

#include "tests/harness/catch.h"

namespace pellicle {

// Says why, to be followed by `return`. ctest counts the case as skipped if it passes, and
// tools/test repeats the reason at its end. Only for a case with a guest of its own.
inline void skipped(const std::string& why) {
  WARN("skipped: " << why);
  const char* results = std::getenv("PELLICLE_RESULTS");
  if (results != nullptr) std::ofstream(std::string(results) + "/skipped") << why << "\n";
}

}  // namespace pellicle
