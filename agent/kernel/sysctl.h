// Files below /proc/sys as seen from the network namespace of the calling thread.
#pragma once

#include <optional>
#include <string>

namespace pellicle {

// `path` as "net/ipv4/conf/eth0/rp_filter". Without the newline; no value when there is no such
// file. Throws OsError.
std::optional<std::string> read_sysctl(const std::string& path);
void write_sysctl(const std::string& path, const std::string& value);  // throws OsError

}  // namespace pellicle
