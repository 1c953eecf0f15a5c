// The only place that starts processes.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace pellicle::lab {

struct Spawn {
  std::vector<std::string> arguments;  // the first is searched in PATH
  std::string netns;                   // a name below /run/netns; empty: the caller's
  std::string output_file;             // stdout and stderr are appended to it ...
  int output = -1;                     // ... or go to this descriptor
  int errors = -1;                     // stderr alone goes here
  int input = -1;                      // stdin; -1: empty
  std::optional<std::vector<std::string>> environment;  // "NAME=value" each; nullopt: the caller's
};

// Starts it in its own process group. LabError if it cannot be started.
pid_t spawn(const Spawn& program);

// The exit status as a shell reports it: the status itself, or 128 + n for signal n.
int exit_status(int wait_status);

}  // namespace pellicle::lab
