// Reads and writes files below /proc/sys in the network namespace of the calling thread.
#pragma once

#include <optional>
#include <string>

#include "agent/model/kernel_state.h"

namespace pellicle {

// `path` is relative: "net/ipv4/conf/eth0/rp_filter". Returns the value without its newline;
// nullopt when there is no such file. Throws OsError.
std::optional<std::string> read_sysctl(const std::string& path);
bool sysctl_is_writable(const std::string& path);
void write_sysctl(const std::string& path, const std::string& value);  // throws OsError

// True when every file of `wanted` that exists has that value. Ignores unreadable files: a pass
// reports them.
bool sysctls_hold(const Table<Sysctl>& wanted);

}  // namespace pellicle
