// Which programs run, as far as /proc of this PID namespace says.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace pellicle {

using Processes = std::map<int, std::string>;  // by pid: "charon", at most 15 characters

Processes read_processes(const std::string& proc = "/proc");

// The lowest pid of that name.
std::optional<int> find_process(const Processes& processes, const std::string& name);

// The pid of the process that has the socket with this inode (/proc/net/tcp) open. nullopt: no
// process whose descriptors are readable here.
std::optional<int> owner_of_socket(uint64_t inode, const Processes& processes,
                                   const std::string& proc = "/proc");

// "charon (pid 812)"
std::string process_text(const Processes& processes, int pid);

}  // namespace pellicle
