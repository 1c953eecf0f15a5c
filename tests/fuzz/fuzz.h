// Shared by the fuzz targets. A target is one LLVMFuzzerTestOneInput for any bytes. A broken
// property ends the process, so that the fuzzer keeps the input.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace pellicle::fuzz {

inline std::string text_of(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

inline void expect(bool holds, const char* property) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", property);
  std::abort();
}

// A sentence for a person fits one line of a terminal and has no control characters.
inline void expect_one_line(std::string_view sentence) {
  const auto control = [](unsigned char c) { return c < ' '; };
  expect(!sentence.empty(), "a sentence says something");
  expect(std::none_of(sentence.begin(), sentence.end(), control),
         "a sentence has no control characters");
}

// Removes the first line from `rest` and returns it.
inline std::string_view take_line(std::string_view& rest) {
  const auto end = std::min(rest.find('\n'), rest.size());
  const auto line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

}  // namespace pellicle::fuzz
