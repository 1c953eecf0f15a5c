// How much of a long test is run.
#pragma once

#include <cstddef>
#include <cstdlib>

namespace pellicle {

// `whole` where everything is asked for (PELLICLE_LONG is set: `tools/test --long`), else `usual`,
// which meets every branch of the test once, in a time that a run of all tests can afford.
inline size_t length(size_t usual, size_t whole) {
  return std::getenv("PELLICLE_LONG") != nullptr ? whole : usual;
}

}  // namespace pellicle
