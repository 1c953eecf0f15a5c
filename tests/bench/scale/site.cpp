#include "tests/bench/scale/site.h"

#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "agent/kernel/file_descriptor.h"
#include "bpf/datapath.h"
#include "tests/bench/scale/cluster.h"

namespace pellicle::bench {

namespace {

using namespace std::chrono_literals;

struct CpuTime {
  uint64_t all = 0;
  uint64_t idle = 0;
};

// /proc/stat: "cpu user nice system idle iowait irq softirq ..."
CpuTime cpu_time() {
  std::ifstream file("/proc/stat");
  std::string word;
  file >> word;
  CpuTime time;
  uint64_t ticks = 0;
  for (int column = 0; column < 7 && file >> ticks; ++column) {
    time.all += ticks;
    if (column == 3) time.idle = ticks;
  }
  return time;
}

void require_end(pid_t process, const std::string& name) {
  int status = 0;
  while (waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) throw std::runtime_error(name + " failed");
}

std::string read_all(int fd) {
  std::string text;
  std::array<char, 4096> part;
  for (ssize_t size; (size = read(fd, part.data(), part.size())) > 0;) {
    text.append(part.data(), static_cast<size_t>(size));
  }
  return text;
}

}  // namespace

void wait_until_idle() {
  constexpr int kTries = 100;
  for (int i = 0; i < kTries; ++i) {
    const auto before = cpu_time();
    std::this_thread::sleep_for(200ms);
    const auto after = cpu_time();
    if ((after.idle - before.idle) * 10 >= (after.all - before.all) * 9) return;
  }
  throw std::runtime_error("this machine does not come to rest");
}

Site::Site() : pins_("/sys/fs/bpf/pellicle-bench-" + std::to_string(getpid())) {
  if (unshare(CLONE_NEWNET) != 0) throw std::runtime_error("no network namespace: run as root");
  run({"ip", "link", "set", "lo", "up"});
  run({"ip", "link", "add", "eth0", "type", "dummy"});
  run({"ip", "link", "set", "eth0", "up"});
  run({"ip", "addr", "add", kUplinkAddress, "dev", "eth0"});
}

Site::~Site() {
  std::error_code ignored;
  std::filesystem::remove_all(pins_, ignored);
}

std::string Site::peers_pin() const {
  return pins_ + "/" MAP_PEERS;
}

std::string run(const std::vector<std::string>& arguments) {
  std::array<int, 2> ends;
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  const FileDescriptor reading(ends[0]);
  FileDescriptor writing(ends[1]);
  std::vector<char*> words;
  for (const auto& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, writing.get(), STDOUT_FILENO);
  pid_t process = 0;
  const int error = posix_spawnp(&process, words.front(), &actions, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error("start " + arguments.front() + ": " + strerror(error));
  writing = FileDescriptor();
  const auto text = read_all(reading.get());
  require_end(process, arguments.front() + " " + arguments.at(1));
  return text;
}

void in_another_process(const std::function<void(void*)>& work, void* result, size_t size) {
  wait_until_idle();
  void* shared = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) throw std::runtime_error("no memory");
  std::fflush(stdout);
  const pid_t process = fork();
  if (process == 0) {
    try {
      work(shared);
      _exit(0);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "bench-scale: %s\n", error.what());
      _exit(1);
    }
  }
  require_end(process, "a measurement");
  std::memcpy(result, shared, size);
  munmap(shared, size);
}

}  // namespace pellicle::bench
