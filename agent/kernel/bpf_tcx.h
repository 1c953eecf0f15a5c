// tcx programs: from Linux 6.6 on, they run on a device's hook before all filters.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/kernel/bpf_tc.h"

namespace pellicle {

// Program ids in the order in which they run. nullopt: the kernel has no tcx, or the device is
// gone. Throws OsError.
std::optional<std::vector<uint32_t>> tcx_programs(const TcHook& hook);

// The id of the program whose name has Pellicle's prefix. Throws OsError.
std::optional<uint32_t> own_tcx_program(const TcHook& hook);

// Attaches the program ahead of all others. With `old`, the id of an attached program, replaces
// that program atomically. Like a filter, the program stays attached when this process ends.
// Throws OsError, whose sentence begins with `object`.
void attach_tcx(const TcHook& hook, int program_fd, std::optional<uint32_t> old,
                const std::string& object);
// Succeeds when absent. Throws OsError.
void detach_tcx(const TcHook& hook, uint32_t id, const std::string& object);

}  // namespace pellicle
