#include "tests/harness/lab/process.h"

#include <sys/wait.h>

#include <utility>

#include "tests/harness/lab/spawn.h"

namespace pellicle::lab {

Process::Process(const std::vector<std::string>& arguments, std::string log,
                 const std::string& netns)
    : pid_(spawn({.arguments = arguments, .netns = netns, .output_file = log})),
      log_(std::move(log)) {}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), status_(other.status_), log_(std::move(other.log_)) {}

Process& Process::operator=(Process&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(status_, other.status_);
  std::swap(log_, other.log_);
  return *this;
}

Process::~Process() {
  if (pid_ > 0 && running()) {
    kill(-pid_, SIGKILL);
    reap(true);
  }
}

void Process::reap(bool block) {
  if (status_ || pid_ <= 0) return;
  int status = 0;
  if (waitpid(pid_, &status, block ? 0 : WNOHANG) == pid_) {
    status_ = exit_status(status);
  }
}

bool Process::running() {
  reap(false);
  return pid_ > 0 && !status_;
}

void Process::signal(int number) {
  if (running()) kill(pid_, number);
}

std::optional<int> Process::wait(Seconds limit) {
  wait_until([this] { return !running(); }, limit);
  return status_;
}

int Process::stop(int number, Seconds limit) {
  signal(number);
  if (!wait(limit)) {
    kill(-pid_, SIGKILL);
    reap(true);
  }
  return *status_;
}

}  // namespace pellicle::lab
