// Running other programs: argument lists and pipes, never a shell.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace pellicle {

struct Command {
  std::vector<std::string> arguments;         // the first: the program's path
  std::string input = {};                     // its stdin
  std::vector<std::string> environment = {};  // "NAME=value", beside PATH and LC_ALL
  std::chrono::milliseconds limit{30'000};    // to its end
  size_t longest_output = SIZE_MAX;           // bytes, of its stdout and of its stderr
  std::stop_token stop = {};                  // by which another thread ends it
};

struct CommandResult {
  int status = 0;  // exit status; 128 + n when signal n ended it
  std::string output;
  std::string errors;
};

// The path of an executable: looked for in PATH and in the usual sbin folders.
std::optional<std::string> find_executable(const std::string& name);

// Runs it in the calling thread's network namespace, with its rights, and waits. It has no other
// descriptor of ours.
// Throws OsError when it cannot be started, or when it was ended: ETIMEDOUT after `limit`, EMSGSIZE
// for more than `longest_output`, ECANCELED by `stop`.
CommandResult run_command(const Command& command);
CommandResult run_command(const std::vector<std::string>& arguments, const std::string& input = "");

}  // namespace pellicle
