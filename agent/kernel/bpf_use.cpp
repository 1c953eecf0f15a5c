#include "agent/kernel/bpf_use.h"

#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include <fstream>

#include "agent/kernel/bpf_maps.h"
#include "agent/kernel/bpf_programs.h"

namespace pellicle {

namespace {

bool is_array(uint32_t type) {
  return type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

// Kernel memory of a map in bytes, from the "memlock:" line of its fdinfo; 0 when there is none.
uint64_t memlock(int map_fd) {
  std::ifstream info("/proc/self/fdinfo/" + std::to_string(map_fd));
  std::string name;
  while (info >> name) {
    uint64_t bytes = 0;
    if (name == "memlock:" && info >> bytes) return bytes;
  }
  return 0;
}

std::optional<uint64_t> entries_of(const std::string& name, const BpfMap& map) {
  const auto type = map.definition.type;
  if (type == BPF_MAP_TYPE_RINGBUF) return std::nullopt;  // ENOTSUPP (6.1)
  return is_array(type) ? map.definition.max_entries : all_entries(map, "the map " + name).count;
}

MapUse use_of(const std::string& name, const BpfMap& map) {
  const auto type = map.definition.type;
  const char* type_name = libbpf_bpf_map_type_str(static_cast<bpf_map_type>(type));
  const uint64_t most = map.definition.max_entries;
  return {.name = name,
          .type = type_name == nullptr ? std::to_string(type) : type_name,
          .entries = entries_of(name, map),
          .max_entries = most,
          .bytes = type == BPF_MAP_TYPE_RINGBUF ? most : memlock(map.fd.get())};
}

}  // namespace

std::vector<MapUse> map_use(const std::string& root) {
  std::vector<MapUse> uses;
  for (const char* name : kMapNames) {
    if (const auto map = pinned_map(root, name)) uses.push_back(use_of(name, *map));
  }
  return uses;
}

std::string maps_obstacle(const std::string& root) {
  const auto ours = carried_map_definitions();
  for (const char* name : kMapNames) {
    const auto map = pinned_map(root, name);
    if (!map) {
      return "no eBPF map " + std::string(name) + " is pinned under " + root +
             ": no agent has programmed this node, or --bpf-root is another folder there";
    }
    if (map->definition != ours.at(name)) {
      return "the eBPF map " + root + "/" + name + " is of another version of Pellicle (" +
             map->definition.to_string() + "); ask with the command of that version";
    }
  }
  return "";
}

}  // namespace pellicle
