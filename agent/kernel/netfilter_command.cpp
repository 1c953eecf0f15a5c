#include "agent/kernel/netfilter_command.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "agent/kernel/file_descriptor.h"
#include "agent/kernel/os_error.h"

namespace pellicle {

namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kTimeLimit = std::chrono::seconds(30);
constexpr const char* kSystemPath = "/usr/sbin:/usr/bin:/sbin:/bin";

struct Pipe {
  FileDescriptor read;
  FileDescriptor write;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) fail(errno, "make a pipe");
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

std::string joined_path() {
  const char* given = std::getenv("PATH");
  return given == nullptr || *given == '\0' ? kSystemPath : std::string(given) + ":" + kSystemPath;
}

pid_t start(const std::vector<std::string>& arguments, const Pipe& in, const Pipe& out,
            const Pipe& err) {
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  // LC_ALL=C, because errors quote the messages; PATH, because the tools call modprobe.
  std::string path = "PATH=" + joined_path();
  std::string locale = "LC_ALL=C";
  const std::array<char*, 3> environment = {path.data(), locale.data(), nullptr};

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.read.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out.write.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err.write.get(), STDERR_FILENO);
  // Asio's sockets are not close-on-exec, and the agent's listening socket would accept connections
  // as long as the child lives.
  posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  pid_t child = -1;
  const int error =
      posix_spawn(&child, argv[0], &actions, &attributes, argv.data(), environment.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) fail(error, "run " + arguments[0]);
  return child;
}

void write_some(FileDescriptor& to, const std::string& input, size_t& written) {
  const ssize_t n = write(to.get(), input.data() + written, input.size() - written);
  if (n > 0) written += static_cast<size_t>(n);
  if (n < 0 && errno != EAGAIN && errno != EINTR) written = input.size();  // the child is done
  if (written == input.size()) to.close();
}

void read_some(FileDescriptor& from, std::string& into) {
  std::array<char, 65536> buffer{};
  const ssize_t n = read(from.get(), buffer.data(), buffer.size());
  if (n > 0) into.append(buffer.data(), static_cast<size_t>(n));
  if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) from.close();
}

// Writes the child's input and reads its output until it closes the output. False: timed out.
bool converse(FileDescriptor& in, FileDescriptor& out, FileDescriptor& err,
              const std::string& input, CommandResult& result) {
  const auto deadline = Clock::now() + kTimeLimit;
  size_t written = 0;
  if (input.empty()) in.close();
  while (out || err) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return false;
    std::array<pollfd, 3> ends = {pollfd{in.get(), POLLOUT, 0}, pollfd{out.get(), POLLIN, 0},
                                  pollfd{err.get(), POLLIN, 0}};  // poll() ignores -1
    if (poll(ends.data(), ends.size(), static_cast<int>(left)) < 0 && errno != EINTR)
      fail(errno, "wait for a child's output");
    if (ends[0].revents != 0) write_some(in, input, written);
    if (ends[1].revents != 0) read_some(out, result.output);
    if (ends[2].revents != 0) read_some(err, result.errors);
  }
  return true;
}

int exit_status(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) fail(errno, "wait for a child");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// Makes a write to a child that has exited fail with EPIPE instead of ending the agent.
class WithoutSigpipe {
 public:
  WithoutSigpipe() {
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, &before_);
  }
  ~WithoutSigpipe() {
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    const timespec now{};
    if (sigismember(&before_, SIGPIPE) == 0) sigtimedwait(&pipe, nullptr, &now);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  WithoutSigpipe(const WithoutSigpipe&) = delete;
  WithoutSigpipe& operator=(const WithoutSigpipe&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

std::optional<std::string> find_executable(const std::string& name) {
  std::istringstream folders(joined_path());
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (folder.empty()) continue;
    std::string path = folder;
    path.append("/").append(name);
    if (access(path.c_str(), X_OK) == 0) return path;
  }
  return std::nullopt;
}

CommandResult run_command(const std::vector<std::string>& arguments, const std::string& input) {
  const WithoutSigpipe quiet;
  Pipe in = make_pipe();
  Pipe out = make_pipe();
  Pipe err = make_pipe();
  const pid_t child = start(arguments, in, out, err);
  in.read.close();
  out.write.close();
  err.write.close();
  for (int fd : {in.write.get(), out.read.get(), err.read.get()}) fcntl(fd, F_SETFL, O_NONBLOCK);
  CommandResult result;
  const bool ended = converse(in.write, out.read, err.read, input, result);
  if (!ended) kill(child, SIGKILL);
  result.status = exit_status(child);
  if (!ended) throw OsError(ETIMEDOUT, "run " + arguments[0] + ": no end after 30 seconds");
  return result;
}

}  // namespace pellicle
