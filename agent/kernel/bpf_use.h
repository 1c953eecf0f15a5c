// How full the pinned eBPF maps are, and how much memory they use. Works without an agent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pellicle {

struct MapUse {
  std::string name;
  std::string type;                 // bpftool's name: "lpm_trie"
  std::optional<uint64_t> entries;  // of an array: max_entries; nullopt for a ring buffer
  uint64_t max_entries = 0;         // of a ring buffer: its size in bytes
  uint64_t bytes = 0;               // kernel memory (memlock); of a ring buffer: its size
  auto operator<=>(const MapUse&) const = default;
};

// The maps of kMapNames that are pinned under `root`, in that order. Throws OsError.
std::vector<MapUse> map_use(const std::string& root);

// Why the maps under `root` cannot be read, as one sentence: one is not pinned, or its definition
// is of another version than this program's. Empty when all can be read. Throws OsError.
std::string maps_obstacle(const std::string& root);

}  // namespace pellicle
