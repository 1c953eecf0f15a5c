#include "agent/kernel/bpf_support.h"

#include <filesystem>

#include "agent/kernel/bpf_maps.h"
#include "agent/kernel/bpf_programs.h"
#include "agent/kernel/bpf_tcx.h"
#include "agent/kernel/os_error.h"

namespace pellicle {

Outcome try_programs() {
  try {
    const BpfPrograms programs{BpfMaps()};
    return {};
  } catch (const OsError& error) {
    return {error.error(), error.what()};
  }
}

std::optional<bool> has_tcx() {
  constexpr uint32_t kLoopback = 1;
  try {
    return tcx_programs({.ifindex = kLoopback, .ingress = true}).has_value();
  } catch (const OsError&) {
    return std::nullopt;
  }
}

std::optional<std::string> pin_obstacle(const std::string& root) {
  try {
    require_bpffs(root);
    return std::nullopt;
  } catch (const OsError& error) {
    return error.what();
  }
}

bool has_pinned_maps(const std::string& root) {
  std::error_code hidden;
  return std::filesystem::exists(root + "/" + MAP_CONFIG, hidden);
}

}  // namespace pellicle
