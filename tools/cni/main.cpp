// pellicle-cni: the CNI plugin. A runtime speaks to it through the environment, stdin, stdout and
// the exit status; it speaks to the agent.
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "tools/cni/configuration.h"
#include "tools/cni/plugin.h"

namespace {

using namespace pellicle::cni;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Environment environment() {
  return {.command = variable("CNI_COMMAND"),
          .container_id = variable("CNI_CONTAINERID"),
          .netns = variable("CNI_NETNS"),
          .ifname = variable("CNI_IFNAME"),
          .args = variable("CNI_ARGS")};
}

// No more than what shows that it is too much.
std::string read_stdin() {
  std::string text;
  std::array<char, 65536> buffer;
  while (text.size() <= kLongestInput) {
    const ssize_t size = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) throw Failure(kIo, "stdin cannot be read", std::strerror(errno));
    if (size == 0) break;
    text.append(buffer.data(), static_cast<size_t>(size));
  }
  return text;
}

bool write_stdout(const std::string& text) {
  for (size_t done = 0; done < text.size();) {
    const ssize_t size = ::write(STDOUT_FILENO, text.data() + done, text.size() - done);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return false;
    done += static_cast<size_t>(size);
  }
  return true;
}

Answer answer_runtime() {
  try {
    return answer(environment(), read_stdin());
  } catch (const Failure& failure) {
    return error_answer("", failure);
  }
}

}  // namespace

int main() {
  std::signal(SIGPIPE, SIG_IGN);  // a runtime that left must not kill us half way
  const auto result = answer_runtime();
  return write_stdout(result.text) ? result.status : 1;
}
