#include "agent/kernel/modules.h"

#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

namespace pellicle {

namespace fs = std::filesystem;

namespace {

// Digests have had modules of other names since Linux 6.16 and 6.17.
constexpr std::array<std::pair<const char*, const char*>, 3> kRenamed = {
    {{"sha1_generic", "sha1"}, {"sha256_generic", "sha256"}, {"sha512_generic", "sha512"}}};

// "kernel/net/ipv4/esp4.ko.xz" -> "esp4". kmod takes - and _ for one another.
std::string module_name(const std::string& path) {
  std::string name = fs::path(path).filename();
  name = name.substr(0, name.find(".ko"));
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

}  // namespace

std::string kernel_release() {
  utsname names{};
  return uname(&names) == 0 ? names.release : "";
}

KernelModules::KernelModules(std::string release, std::string root)
    : release_(std::move(release)), root_(std::move(root)) {
  std::string line;
  std::ifstream loaded(root_ + "/proc/modules");
  while (std::getline(loaded, line)) loaded_.insert(module_name(line.substr(0, line.find(' '))));
  const auto folder = root_ + "/lib/modules/" + release_;
  std::ifstream built_in(folder + "/modules.builtin");
  while (std::getline(built_in, line)) built_in_.insert(module_name(line));
  std::ifstream files(folder + "/modules.dep");
  listed_ = files.is_open() && built_in.is_open();
  while (std::getline(files, line)) {
    const auto path = line.substr(0, line.find(':'));
    files_.emplace(module_name(path), path);
  }
  std::ifstream locked(root_ + "/proc/sys/kernel/modules_disabled");
  locked_ = std::getline(locked, line) && line == "1";
}

// A built-in module has a folder in /sys/module only if it has parameters.
bool KernelModules::is_in_memory(const std::string& name) const {
  std::error_code absent;
  return fs::exists(root_ + "/sys/module/" + name, absent);
}

KernelModules::Module KernelModules::find_exactly(const std::string& name) const {
  if (loaded_.contains(name)) return {ModuleState::loaded, module_block(name, root_)};
  if (built_in_.contains(name) || is_in_memory(name)) return {ModuleState::built_in, {}};
  const auto file = files_.find(name);
  std::error_code absent;
  if (file == files_.end() ||
      !fs::exists(root_ + "/lib/modules/" + release_ + "/" + file->second, absent)) {
    return {listed_ ? ModuleState::missing : ModuleState::unknown, {}};
  }
  if (auto block = module_block(name, root_)) return {ModuleState::blocked, std::move(block)};
  return {locked_ ? ModuleState::locked : ModuleState::loadable, {}};
}

KernelModules::Module KernelModules::find(const std::string& name) const {
  const auto plain = module_name(name);
  auto found = find_exactly(plain);
  if (found.state != ModuleState::missing) return found;
  for (const auto& [before, now] : kRenamed) {
    if (plain == before) return find_exactly(now);
  }
  return found;
}

std::string KernelModules::describe(const std::string& name, const Module& module) const {
  switch (module.state) {
    case ModuleState::loaded:
      if (!module.block) return "loaded";
      return "loaded, but from the next boot on " +
             pellicle::describe(*module.block, name, release_);
    case ModuleState::built_in:
      return "built in";
    case ModuleState::loadable:
      return "loadable";
    case ModuleState::blocked:
      return pellicle::describe(*module.block, name, release_);
    case ModuleState::locked:
      return "not loaded, and kernel.modules_disabled keeps it so until the next boot";
    case ModuleState::missing:
      return "missing: neither built in nor below /lib/modules/" + release_;
    case ModuleState::unknown:
      break;
  }
  return "not known: /lib/modules/" + release_ + " cannot be read here";
}

std::string module_remedy(const std::string& modules, const std::string& option) {
  return (modules.empty() ? "boot" : "on the host run `modprobe -a " + modules + "`, or boot") +
         std::string(" a kernel with ") + option;
}

std::string unblock_remedy(const std::string& module) {
  return "take that line away on the host and run `modprobe " + module + "`";
}

}  // namespace pellicle
