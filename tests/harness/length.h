// How much of a long test runs.
#pragma once

#include <cstddef>
#include <cstdlib>

namespace pellicle {

// `whole` if everything is requested (PELLICLE_LONG is set: `tools/test --long`), else `usual`,
// which covers every branch of the test once in a time that a full run can afford.
inline size_t length(size_t usual, size_t whole) {
  return std::getenv("PELLICLE_LONG") != nullptr ? whole : usual;
}

}  // namespace pellicle
