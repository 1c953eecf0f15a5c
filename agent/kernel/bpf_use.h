// The pinned eBPF maps as objects: how full they are and what they cost. Works without an agent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pellicle {

struct MapUse {
  std::string name;
  std::string type;                 // as bpftool calls it: "lpm_trie"
  std::optional<uint64_t> entries;  // of an array, all it has; a ring has none to count
  uint64_t max_entries = 0;         // of a ring its bytes
  uint64_t bytes = 0;  // of kernel memory, by the kernel's own account (memlock); of a ring its own
  auto operator<=>(const MapUse&) const = default;
};

// Those of kMapNames that are pinned under `root`, in that order. Throws OsError.
std::vector<MapUse> map_use(const std::string& root);

// What keeps the maps under `root` from being read, as one sentence: one is not pinned, or is of
// another version than this program; none when all are there. Throws OsError.
std::string maps_obstacle(const std::string& root);

}  // namespace pellicle
