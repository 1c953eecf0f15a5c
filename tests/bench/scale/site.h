// A node of its own for one measurement: a process in a fresh network namespace.
#pragma once

#include <functional>
#include <string>
#include <type_traits>
#include <vector>

#include "agent/kernel/linux_kernel.h"
#include "tests/harness/temporary_directory.h"

namespace pellicle::bench {

// The calling process in a fresh network namespace with the uplink, a place for pins and a state
// directory.
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

// Runs a program found in PATH to its end; what it printed. Throws std::runtime_error unless it
// ends well.
std::string run(const std::vector<std::string>& arguments);

// Until the kernel's own threads have taken apart what was given back: namespaces, states,
// programs.
void wait_until_idle();

// Another process, once the kernel has taken apart what the one before left behind, and waits for
// it. `size` bytes that `work` writes are in `result` afterwards.
void in_another_process(const std::function<void(void*)>& work, void* result, size_t size);

// What `work` returns, from a process that has done nothing else.
template <class Work>
auto apart(const Work& work) {
  using Result = decltype(work());
  static_assert(std::is_trivially_copyable_v<Result>);  // it goes through memory of both
  Result result{};
  in_another_process([&](void* place) { *static_cast<Result*>(place) = work(); }, &result,
                     sizeof result);
  return result;
}

}  // namespace pellicle::bench
