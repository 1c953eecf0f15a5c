// Identifies the current boot of this machine.
#pragma once

#include <string>

namespace pellicle {

inline constexpr const char* kBootIdFile = "/proc/sys/kernel/random/boot_id";

// Reads the boot id from the file: 36 hex digits and dashes. Throws std::runtime_error with one
// sentence.
std::string boot_id(const std::string& file);

}  // namespace pellicle
