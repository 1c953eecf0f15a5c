// Running iptables-save and iptables-restore: argument lists and pipes, never a shell.
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

// The path of an executable: looked for in PATH and in the usual sbin folders.
std::optional<std::string> find_executable(const std::string& name);

// Runs arguments[0] in the calling thread's network namespace with `input` on its stdin and waits.
// It has no other descriptor of ours.
// Throws OsError when it cannot be started, or when it was ended after 30 seconds.
CommandResult run_command(const std::vector<std::string>& arguments, const std::string& input = "");

}  // namespace pellicle
