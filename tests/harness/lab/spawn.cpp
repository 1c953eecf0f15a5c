#include "tests/harness/lab/spawn.h"

#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "tests/harness/lab/shell.h"

namespace pellicle::lab {

namespace {

std::vector<char*> pointers_to(const std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (const std::string& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// posix_spawn instead of fork: the caller has threads (the Kubernetes API runs in them).
int start(const Spawn& program, pid_t& pid) {
  const std::vector<char*> argv = pointers_to(program.arguments);
  const std::vector<char*> variables =
      program.environment ? pointers_to(*program.environment) : std::vector<char*>();
  char* const* environment = program.environment ? variables.data() : environ;

  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  if (program.input >= 0) {
    posix_spawn_file_actions_adddup2(&files, program.input, 0);
  } else {
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  }
  if (program.output >= 0) {
    posix_spawn_file_actions_adddup2(&files, program.output, 1);
  } else {
    posix_spawn_file_actions_addopen(&files, 1, program.output_file.c_str(),
                                     O_WRONLY | O_CREAT | O_APPEND, 0644);
  }
  posix_spawn_file_actions_adddup2(&files, program.errors >= 0 ? program.errors : 1, 2);
  posix_spawn_file_actions_addclosefrom_np(&files, 3);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  const int error = posix_spawnp(&pid, argv[0], &files, &attributes, argv.data(), environment);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  return error;
}

int enter(const std::string& netns) {
  const int fd = open(("/run/netns/" + netns).c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  const int error = setns(fd, CLONE_NEWNET) == 0 ? 0 : errno;
  close(fd);
  return error;
}

}  // namespace

pid_t spawn(const Spawn& program) {
  pid_t pid = -1;
  int error = 0;
  if (program.netns.empty()) {
    error = start(program, pid);
  } else {
    // A child starts in the namespace of the thread that spawns it. `nsenter` would work too, but
    // another exec is expensive in User-Mode Linux, and `ip netns exec` hides /sys/fs/bpf.
    std::thread([&] {
      error = enter(program.netns);
      if (error == 0) error = start(program, pid);
    }).join();
  }
  if (error != 0) {
    throw LabError("cannot start " + program.arguments[0] +
                   (program.netns.empty() ? "" : " in " + program.netns) + ": " +
                   std::strerror(error));
  }
  return pid;
}

int exit_status(int wait_status) {
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

}  // namespace pellicle::lab
