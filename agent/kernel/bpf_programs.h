// The eBPF programs that this executable carries, loaded into the kernel with the maps they use.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/kernel/bpf_maps.h"

struct bpf_object;

namespace pellicle {

inline constexpr const char* kProgramPrefix = "pell_";  // of all Pellicle's programs, and no others

// The kernel's information about a loaded program.
struct ProgramInfo {
  uint32_t id = 0;
  std::string name;
  std::string tag;                // digest of its instructions, 16 hex digits
  std::vector<uint32_t> map_ids;  // of the maps it uses
};
std::optional<ProgramInfo> find_program(uint32_t id);  // nullopt: not loaded; throws OsError
// True when the name has Pellicle's prefix. Another program may have Pellicle's place on a hook.
bool is_ours(const ProgramInfo& program);
std::string map_name_by_id(uint32_t id);  // empty: there is no such map
// Definitions in the carried object, by map name. Loads nothing into the kernel.
std::map<std::string, MapDefinition> carried_map_definitions();

class BpfPrograms {
 public:
  // Loads every program. Uses a map of `existing` if its definition matches the carried one, else
  // creates a new map. Throws OsError with the message of libbpf or the verifier.
  explicit BpfPrograms(const BpfMaps& existing);

  const std::map<std::string, std::string>& tags() const { return tags_; }  // by program name
  int program_fd(const std::string& name) const;  // throws OsError when there is none
  int map_fd(const std::string& name) const;
  uint32_t map_id(const std::string& name) const;

 private:
  struct Close {
    void operator()(bpf_object* object) const;
  };
  friend std::map<std::string, MapDefinition> carried_map_definitions();
  static std::unique_ptr<bpf_object, Close> open();
  void load(const BpfMaps& existing);

  std::unique_ptr<bpf_object, Close> object_;
  std::map<std::string, std::string> tags_;
  std::map<std::string, uint32_t> map_ids_;
};

}  // namespace pellicle
