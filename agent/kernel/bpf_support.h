// Whether this kernel takes the eBPF programs that this executable carries, asked without attaching
// or pinning anything.
#pragma once

#include <optional>
#include <string>

#include "agent/kernel/outcome.h"

namespace pellicle {

// Loads all of them with maps of their own, which are gone when it returns. EPERM: not tried.
Outcome try_programs();

// Does the kernel have tcx (from Linux 6.6 on)? None: it cannot be asked.
std::optional<bool> has_tcx();

// What keeps maps from being pinned there, in a sentence; none: nothing does.
std::optional<std::string> pin_obstacle(const std::string& root);

// Has an agent pinned its maps there?
bool has_pinned_maps(const std::string& root);

}  // namespace pellicle
