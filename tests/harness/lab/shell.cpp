#include "tests/harness/lab/shell.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/harness/lab/spawn.h"
#include "tests/harness/netfilter_tables.h"

namespace pellicle::lab {

namespace {

struct Descriptor {
  int fd;
  ~Descriptor() { close(fd); }
};

// False if the limit expired first.
bool read_until_closed(int fd, std::string& text, Seconds limit) {
  const auto end = std::chrono::steady_clock::now() + patience(limit);
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
    if (left.count() <= 0 || poll(&ready, 1, static_cast<int>(left.count())) == 0) return false;
    char buffer[4096];
    const ssize_t n = read(fd, buffer, sizeof buffer);
    if (n <= 0) return true;
    text.append(buffer, static_cast<size_t>(n));
  }
}

}  // namespace

Seconds patience(Seconds limit) {
  static const char* slowness = std::getenv("PELLICLE_SLOWNESS");
  return slowness == nullptr ? limit : limit * std::stod(slowness);
}

namespace {

std::string backend() {
  const char* kernel = std::getenv("PELLICLE_GUEST_KERNEL");
  return kernel != nullptr && std::string(kernel) == "stock" ? "-nft" : "-legacy";
}

}  // namespace

std::string iptables() {
  return "iptables" + backend();
}

std::string ip6tables() {
  return "ip6tables" + backend();
}

std::string shell_word(const std::string& word) {
  std::string text = "'";
  for (const char c : word) {
    if (c == '\'') {
      text += "'\\''";
    } else {
      text += c;
    }
  }
  return text + "'";
}

Result sh(const std::string& command, Seconds limit) {
  return sh_in("", command, limit);
}

Result sh_in(const std::string& netns, const std::string& command, Seconds limit) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw LabError("cannot make a pipe");
  const Descriptor reader{ends[0]};
  pid_t pid = -1;
  {
    const Descriptor writer{ends[1]};
    pid = spawn({.arguments = {"sh", "-c", command}, .netns = netns, .output = writer.fd});
  }
  Result result;
  const bool finished = read_until_closed(reader.fd, result.output, limit);
  if (!finished) kill(-pid, SIGKILL);
  int status = 0;
  waitpid(pid, &status, 0);
  result.status = finished ? exit_status(status) : 124;
  if (!result.ok()) judge_failed_command(command);
  return result;
}

std::string must(const std::string& command, Seconds limit) {
  return must_in("", command, limit);
}

std::string must_in(const std::string& netns, const std::string& command, Seconds limit) {
  const Result result = sh_in(netns, command, limit);
  if (!result.ok()) {
    throw LabError("status " + std::to_string(result.status) + " of: " + command +
                   (netns.empty() ? "" : " (in " + netns + ")") + "\n" + result.output);
  }
  return result.output;
}

bool wait_until(const std::function<bool()>& holds, Seconds limit) {
  const auto end = std::chrono::steady_clock::now() + patience(limit);
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(20ms);
  }
  return true;
}

std::string file_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) throw LabError("cannot write " + path);
}

}  // namespace pellicle::lab
