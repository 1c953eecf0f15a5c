// A command line's output and exit status.
#pragma once

#include <sys/wait.h>

#include <cstdio>
#include <stdexcept>
#include <string>

namespace pellicle {

struct ShellOutput {
  int status = -1;   // the exit status; -1: ended by a signal
  std::string text;  // stdout and stderr
};

// Runs it with sh. Throws std::runtime_error if sh cannot be started.
inline ShellOutput shell_output(const std::string& command_line) {
  FILE* output = popen(("{ " + command_line + "\n} 2>&1").c_str(), "r");
  if (output == nullptr) throw std::runtime_error("cannot run " + command_line);
  ShellOutput said;
  for (int c = std::fgetc(output); c != EOF; c = std::fgetc(output))
    said.text += static_cast<char>(c);
  const int status = pclose(output);
  if (WIFEXITED(status)) said.status = WEXITSTATUS(status);
  return said;
}

}  // namespace pellicle
