// The eBPF programs this executable carries: loaded into the kernel together with the maps they
// use.
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

inline constexpr const char* kProgramPrefix = "pell_";  // of every program of ours, of no other

// What the kernel says of a loaded program.
struct ProgramInfo {
  uint32_t id = 0;
  std::string name;
  std::string tag;                // the digest of its instructions, 16 hex digits
  std::vector<uint32_t> map_ids;  // of every map it refers to
};
std::optional<ProgramInfo> find_program(uint32_t id);  // none: unloaded since; throws OsError
// Ours by name, as opposed to whatever else may hold our place on a hook.
bool is_ours(const ProgramInfo& program);
std::string map_name_by_id(uint32_t id);                         // empty: no such map any more
std::map<std::string, MapDefinition> carried_map_definitions();  // without loading anything

class BpfPrograms {
 public:
  // Loads every program. A map in `existing` is used when its definition agrees with the carried
  // one, otherwise a fresh map is made. Throws OsError with the words of libbpf or the verifier.
  explicit BpfPrograms(const BpfMaps& existing);

  const std::map<std::string, std::string>& tags() const { return tags_; }  // by program name
  int program_fd(const std::string& name) const;  // throws OsError: no such program
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
