// A background process with its output in a file.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "tests/harness/lab/shell.h"

namespace pellicle::lab {

class Process {
 public:
  // Starts `arguments` (found in PATH) in its own process group, in the network namespace
  // /run/netns/<netns> or the caller's; stdout and stderr are appended to `log`. LabError if it
  // cannot be started.
  Process(const std::vector<std::string>& arguments, std::string log,
          const std::string& netns = "");
  ~Process();  // ends the group with SIGKILL
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;

  pid_t pid() const { return pid_; }
  bool running();
  void signal(int number);  // to the process alone; no effect once it has ended

  // The exit status, 128 + n after signal n; nullopt if it still runs after `limit`.
  std::optional<int> wait(Seconds limit = 10s);

  // Sends the signal and waits; SIGKILL to the group after `limit`. Returns the exit status.
  int stop(int number = SIGTERM, Seconds limit = 10s);

  const std::string& log() const { return log_; }
  std::string output() const { return file_text(log_); }  // includes earlier runs

 private:
  void reap(bool block);
  pid_t pid_ = -1;
  std::optional<int> status_;
  std::string log_;
};

}  // namespace pellicle::lab
