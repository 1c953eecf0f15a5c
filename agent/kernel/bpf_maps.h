// The pinned eBPF maps, which outlive the agent: opened by name under one folder, read as a whole.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/kernel/file_descriptor.h"
#include "bpf/datapath.h"

namespace pellicle {

inline constexpr std::array kMapNames = {
    MAP_CONFIG, MAP_PEERS,    MAP_PEERS6, MAP_ENDPOINTS,   MAP_ENDPOINTS6, MAP_SOURCES,
    MAP_OWNERS, MAP_OWNERS6,  MAP_TURN,   MAP_SEEN_OWNERS, MAP_SEEN_PODS,  MAP_FORGERIES,
    MAP_DROPS,  MAP_LISTENER, MAP_EVENTS, MAP_PATHS};

// What must match before the agent uses a pinned map again.
struct MapDefinition {
  uint32_t type = 0;  // BPF_MAP_TYPE_*
  uint32_t key_size = 0;
  uint32_t value_size = 0;
  uint32_t max_entries = 0;
  uint32_t flags = 0;  // BPF_F_*
  std::string to_string() const;
  bool operator==(const MapDefinition&) const = default;
};

struct BpfMap {
  FileDescriptor fd;
  uint32_t id = 0;
  MapDefinition definition;
};

using BpfMaps = std::map<std::string, BpfMap>;  // by name, see kMapNames

BpfMap map_from_fd(FileDescriptor fd, const std::string& name);  // throws OsError

// The map pinned under root/name; nullopt when there is no such pin. Throws OsError.
std::optional<BpfMap> pinned_map(const std::string& root, const std::string& name);
BpfMaps pinned_maps(const std::string& root);  // the maps of kMapNames that are pinned

// Throws OsError unless the folder is, or would be made, on a bpf file system.
void require_bpffs(const std::string& root);
// Pins; makes the folder where it is missing. Throws OsError, in particular when the folder would
// not be on a bpf file system.
void pin_map(const std::string& root, const std::string& name, int map_fd);
void unpin_map(const std::string& root, const std::string& name);  // succeeds when absent
void remove_pin_folder(const std::string& root);                   // only when it is empty

// Read and write one entry. `what` names the object in the sentence of the OsError.
void update_bytes(int map_fd, const void* key, const void* value, const std::string& what);
void delete_bytes(int map_fd, const void* key, const std::string& what);  // succeeds when absent
// False: there is no such entry.
bool lookup_bytes(int map_fd, const void* key, void* value, const std::string& what);

// All entries: keys and values, each concatenated. Uses the kernel's batch operations if it can.
struct RawEntries {
  std::vector<uint8_t> keys;
  std::vector<uint8_t> values;
  size_t count = 0;
};
RawEntries all_entries(const BpfMap& map, const std::string& what);

}  // namespace pellicle
