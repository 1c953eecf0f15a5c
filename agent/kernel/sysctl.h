// Files below /proc/sys as seen from the network namespace of the calling thread.
#pragma once

#include <optional>
#include <string>

#include "agent/model/kernel_state.h"

namespace pellicle {

// `path` as "net/ipv4/conf/eth0/rp_filter". Without the newline; no value when there is no such
// file. Throws OsError.
std::optional<std::string> read_sysctl(const std::string& path);
void write_sysctl(const std::string& path, const std::string& value);  // throws OsError

// Are all of these files that are there as `wanted`? What cannot be read, a pass says.
bool sysctls_hold(const Table<Sysctl>& wanted);

}  // namespace pellicle
