// Runs iptables-save and iptables-restore with argument lists and pipes, never through a shell.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace pellicle {

struct CommandResult {
  int status = 0;  // exit status; 128 + n when signal n ended it
  std::string output;
  std::string errors;
};

// The path of an executable, searched in PATH and then in the system folders; nullopt: not found.
std::optional<std::string> find_executable(const std::string& name);

// Runs arguments[0] in the calling thread's network namespace with `input` as its stdin, and waits
// for it. The child inherits no other descriptor. Throws OsError when it cannot be started, or when
// it was killed after 30 seconds.
CommandResult run_command(const std::vector<std::string>& arguments, const std::string& input = "");

}  // namespace pellicle
