#pragma once

#include <compare>
#include <cstdint>

namespace pellicle {

// Packets that an eBPF program dropped for one reason, since the maps were pinned.
struct DropCount {
  uint64_t packets = 0;
  uint64_t bytes = 0;  // of the frames
  auto operator<=>(const DropCount&) const = default;
};

}  // namespace pellicle
