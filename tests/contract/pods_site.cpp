#include "tests/contract/pods_site.h"

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "tests/harness/catch.h"
#include "tests/harness/netfilter_tables.h"

namespace pellicle::contract {

namespace fs = std::filesystem;

std::string shell(const std::string& command_line) {
  FILE* pipe = popen(command_line.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string output;
  std::array<char, 4096> part{};
  while (const size_t n = std::fread(part.data(), 1, part.size(), pipe))
    output.append(part.data(), n);
  const int status = pclose(pipe);
  INFO(command_line << "\n" << output);
  if (status != 0) judge_failed_command(command_line);
  REQUIRE(status == 0);
  return output;
}

int shell_status(const std::string& command_line) {
  const int status = std::system(("(" + command_line + ") >/dev/null 2>&1").c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

FreshNamespace::FreshNamespace() {
  REQUIRE(unshare(CLONE_NEWNET) == 0);
  shell("ip link set lo up");
}

FreshNamespace::~FreshNamespace() {
  if (setns(before_.fd(), CLONE_NEWNET) != 0) std::abort();  // later cases must not run here
}

NamedNamespace::NamedNamespace(std::string name) : name_(std::move(name)) {
  contract::shell("ip netns add " + name_);
}

NamedNamespace::~NamedNamespace() {
  shell_status("ip netns del " + name_);
}

std::string NamedNamespace::shell(const std::string& command_line) const {
  return contract::shell("nsenter --net=" + path() + " " + command_line);
}

PinFolder::PinFolder() {
  static int number = 0;
  path_ = "/sys/fs/bpf/pellicle-test-" + std::to_string(getpid()) + "-" + std::to_string(++number);
}

PinFolder::~PinFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string PinFolder::listing() const {
  if (!fs::exists(path_)) return {};
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(path_)) names.insert(entry.path().filename());
  std::string text;
  for (const std::string& name : names) text += name + "\n";
  return text;
}

}  // namespace pellicle::contract
