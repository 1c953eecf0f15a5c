// tcx: the part of a device's hook that runs ahead of all filters, from Linux 6.6 on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/kernel/bpf_tc.h"

namespace pellicle {

// By their kernel ids, in the order in which they run. None: this kernel has no tcx, or not this
// device any more. Throws OsError.
std::optional<std::vector<uint32_t>> tcx_programs(const TcHook& hook);

// The one whose name has our prefix. Throws OsError.
std::optional<uint32_t> own_tcx_program(const TcHook& hook);

// Puts the program ahead of all others; with `old`, the id of an attached program, in its place.
// Packets meet one of the two at any time. It stays when this process ends, as a filter does.
// Throws OsError, whose sentence begins with `object`.
void attach_tcx(const TcHook& hook, int program_fd, std::optional<uint32_t> old,
                const std::string& object);
// Absent is success. Throws OsError.
void detach_tcx(const TcHook& hook, uint32_t id, const std::string& object);

}  // namespace pellicle
