// Names and addresses of numbered nodes.
#pragma once

#include <array>
#include <cstdio>
#include <string>

namespace pellicle::bench {

// `format` takes one size_t. The result has at most 63 characters.
inline std::string text(const char* format, size_t number) {
  std::array<char, 64> bytes;
  std::snprintf(bytes.data(), bytes.size(), format, number);
  return bytes.data();
}

// "10." 258 ".138" gives 10.1.2.138; up to 65535.
inline std::string dotted(const char* before, size_t number, const char* behind) {
  return before + std::to_string(number >> 8) + "." + std::to_string(number & 0xff) + behind;
}

}  // namespace pellicle::bench
