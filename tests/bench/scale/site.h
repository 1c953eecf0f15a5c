// A separate node for one measurement: a process in a new network namespace.
#pragma once

#include <functional>
#include <string>
#include <type_traits>
#include <vector>

#include "agent/kernel/linux_kernel.h"
#include "tests/harness/temporary_directory.h"

namespace pellicle::bench {

// Puts the calling process into a new network namespace with the uplink, a directory for pins and a
// state directory.
class Site {
 public:
  Site();
  ~Site();
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;

  LinuxOptions options() const { return {.state_dir = folder_.path(), .bpf_root = pins_}; }
  std::string file(const std::string& name) const { return folder_.path() + "/" + name; }
  std::string peers_pin() const;

 private:
  TemporaryDirectory folder_;
  std::string pins_;
};

// Runs a program from PATH to its end and returns its output. Throws std::runtime_error if it
// fails.
std::string run(const std::vector<std::string>& arguments);

// Waits until the kernel's threads have freed released namespaces, states and programs.
void wait_until_idle();

// Runs `work` in another process, after the kernel has freed what the previous one left, and waits
// for its end. Copies `size` bytes that `work` writes into `result`.
void in_another_process(const std::function<void(void*)>& work, void* result, size_t size);

// Returns the result of `work`, run in a new process.
template <class Work>
auto apart(const Work& work) {
  using Result = decltype(work());
  static_assert(std::is_trivially_copyable_v<Result>);  // shared memory carries it
  Result result{};
  in_another_process([&](void* place) { *static_cast<Result*>(place) = work(); }, &result,
                     sizeof result);
  return result;
}

}  // namespace pellicle::bench
