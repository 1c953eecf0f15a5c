// The one place that starts programs.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace pellicle::lab {

struct Spawn {
  std::vector<std::string> arguments;  // the first is looked for in PATH
  std::string netns;                   // a name below /run/netns; empty: the caller's
  std::string output_file;             // stdout and stderr are appended to it ...
  int output = -1;                     // ... or go to this descriptor
  int errors = -1;                     // stderr alone goes here
  int input = -1;                      // stdin; -1: empty
  std::optional<std::vector<std::string>> environment;  // "NAME=value" each; none: the caller's
};

// Starts it in a process group of its own. LabError when it cannot be started.
pid_t spawn(const Spawn& program);

// The shell's way of saying how a process ended: its exit status, or 128 + n for signal n.
int exit_status(int wait_status);

}  // namespace pellicle::lab
