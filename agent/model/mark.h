// A packet mark with the bits of it that count.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace pellicle {

struct Mark {
  uint32_t value = 0;
  uint32_t mask = 0;
  std::string to_string() const;  // "0x3e00/0xff00", as `ip` prints it
  auto operator<=>(const Mark&) const = default;
};

}  // namespace pellicle
