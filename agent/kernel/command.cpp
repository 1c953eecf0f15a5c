#include "agent/kernel/command.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <thread>

#include "agent/kernel/file_descriptor.h"
#include "agent/kernel/os_error.h"

namespace pellicle {

namespace {

using Clock = std::chrono::steady_clock;
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

// As exec() takes them; they live as long as `texts`.
std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> all;
  all.reserve(texts.size() + 1);
  for (const std::string& text : texts) all.push_back(const_cast<char*>(text.c_str()));
  all.push_back(nullptr);
  return all;
}

pid_t start(const Command& command, const Pipe& in, const Pipe& out, const Pipe& err) {
  const auto argv = pointers(command.arguments);
  // The C locale, because messages are passed on; a PATH, because the tools call modprobe.
  auto variables = command.environment;
  variables.push_back("PATH=" + joined_path());
  variables.emplace_back("LC_ALL=C");
  const auto environment = pointers(variables);

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
  if (error != 0) fail(error, "run " + command.arguments[0]);
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

std::string in_words(std::chrono::milliseconds time) {
  const auto count = time.count();
  return count % 1000 == 0 ? std::to_string(count / 1000) + " seconds"
                           : std::to_string(count) + " ms";
}

// For how long a child is waited for.
struct Patience {
  Clock::time_point end;
  std::stop_token stop;

  // 0 while it lasts; ETIMEDOUT, ECANCELED.
  int over() const {
    if (stop.stop_requested()) return ECANCELED;
    return Clock::now() >= end ? ETIMEDOUT : 0;
  }
  // The time until the next check: a stop token does not interrupt poll().
  int milliseconds() const {
    using std::chrono::milliseconds;
    const auto left = std::chrono::ceil<milliseconds>(end - Clock::now());
    return static_cast<int>(
        (stop.stop_possible() ? std::min(left, milliseconds(100)) : left).count());
  }
};

// Feeds and drains the child until it closed its output. 0, EMSGSIZE, or what Patience says.
int converse(FileDescriptor& in, FileDescriptor& out, FileDescriptor& err, const Command& command,
             const Patience& patience, CommandResult& result) {
  size_t written = 0;
  if (command.input.empty()) in.close();
  while (out || err) {
    if (const int error = patience.over()) return error;
    std::array<pollfd, 3> ends = {pollfd{in.get(), POLLOUT, 0}, pollfd{out.get(), POLLIN, 0},
                                  pollfd{err.get(), POLLIN, 0}};  // poll passes over -1
    const int wait = std::max(patience.milliseconds(), 0);
    if (poll(ends.data(), ends.size(), wait) < 0 && errno != EINTR)
      fail(errno, "wait for a child's output");
    if (ends[0].revents != 0) write_some(in, command.input, written);
    if (ends[1].revents != 0) read_some(out, result.output);
    if (ends[2].revents != 0) read_some(err, result.errors);
    if (std::max(result.output.size(), result.errors.size()) > command.longest_output)
      return EMSGSIZE;
  }
  return 0;
}

// Waits for a child that has closed its output, and usually exits soon. Returns 0 and `status`, or
// the error that Patience gives.
int await_end(pid_t child, const Patience& patience, int& status) {
  constexpr auto kLongestPause = std::chrono::microseconds(10'000);
  for (auto pause = std::chrono::microseconds(50);; pause = std::min(2 * pause, kLongestPause)) {
    const pid_t ended = waitpid(child, &status, WNOHANG);
    if (ended == child) return 0;
    if (ended < 0 && errno != EINTR) fail(errno, "wait for a child");
    if (const int error = patience.over()) return error;
    std::this_thread::sleep_for(pause);
  }
}

[[noreturn]] void end(pid_t child, const Command& command, int error) {
  kill(child, SIGKILL);
  while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) continue;
  const auto what = "run " + command.arguments[0] + ": ";
  if (error == EMSGSIZE) throw OsError(error, what + "more output than is read");
  if (error == ECANCELED) throw OsError(error, what + "not waited for");
  throw OsError(error, what + "no end after " + in_words(command.limit));
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

CommandResult run_command(const Command& command) {
  const WithoutSigpipe quiet;
  const Patience patience{.end = Clock::now() + command.limit, .stop = command.stop};
  Pipe in = make_pipe();
  Pipe out = make_pipe();
  Pipe err = make_pipe();
  const pid_t child = start(command, in, out, err);
  in.read.close();
  out.write.close();
  err.write.close();
  for (int fd : {in.write.get(), out.read.get(), err.read.get()}) fcntl(fd, F_SETFL, O_NONBLOCK);
  CommandResult result;
  int status = 0;
  int error = converse(in.write, out.read, err.read, command, patience, result);
  if (error == 0) error = await_end(child, patience, status);
  if (error != 0) end(child, command, error);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

CommandResult run_command(const std::vector<std::string>& arguments, const std::string& input) {
  return run_command(Command{.arguments = arguments, .input = input});
}

}  // namespace pellicle
