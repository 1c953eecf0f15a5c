// What the running kernel can do by its modules: read from files, without loading any.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "agent/kernel/module_block.h"

namespace pellicle {

std::string kernel_release();  // as uname says it

enum class ModuleState : uint8_t {
  loaded,
  built_in,
  loadable,
  blocked,  // there, but modprobe's configuration forbids it
  locked,   // there, but kernel.modules_disabled is set until the next boot
  missing,
  unknown  // neither the lists of this kernel's modules nor what is loaded can be read
};

class KernelModules {
 public:
  struct Module {
    ModuleState state = ModuleState::unknown;
    std::optional<ModuleBlock> block;  // of a loaded one: it holds from the next boot on
    bool there() const {
      return state == ModuleState::loaded || state == ModuleState::built_in ||
             state == ModuleState::loadable;
    }
    // What stands in its way is known.
    bool lacking() const { return !there() && state != ModuleState::unknown; }
  };

  // Reads /proc/modules and /lib/modules/RELEASE. `root`: where the host's folders are.
  explicit KernelModules(std::string release = kernel_release(), std::string root = "");

  const std::string& release() const { return release_; }
  // `name` with - or _, by its older name where newer kernels have another: "sha256_generic".
  Module find(const std::string& name) const;

  // "built in", "loadable", "missing"; of a blocked one the file and the line.
  std::string describe(const std::string& name, const Module& module) const;

 private:
  bool is_in_memory(const std::string& name) const;
  Module find_exactly(const std::string& name) const;

  std::string release_;
  std::string root_;
  std::set<std::string> loaded_;
  std::set<std::string> built_in_;
  std::map<std::string, std::string> files_;  // by name; paths below the release's folder
  bool listed_ = false;
  bool locked_ = false;
};

// What to do about modules that are not there: "on the host run `modprobe -a esp4 xfrm_user`, or
// boot a kernel with CONFIG_INET_ESP". `modules`: names between blanks, or none.
std::string module_remedy(const std::string& modules, const std::string& option);
// The same of one that modprobe's configuration forbids.
std::string unblock_remedy(const std::string& module);

}  // namespace pellicle
