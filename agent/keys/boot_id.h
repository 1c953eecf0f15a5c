// Which boot of this machine it is.
#pragma once

#include <string>

namespace pellicle {

inline constexpr const char* kBootIdFile = "/proc/sys/kernel/random/boot_id";

// The boot id in the file: 36 hex digits and dashes. Throws std::runtime_error with one sentence.
std::string boot_id(const std::string& file);

}  // namespace pellicle
