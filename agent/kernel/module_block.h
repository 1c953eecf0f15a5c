// Where the host forbids a kernel module to be loaded, by modprobe's configuration (modprobe.d(5)).
#pragma once

#include <optional>
#include <string>

namespace pellicle {

struct ModuleBlock {
  std::string file;  // "/etc/modprobe.d/esp.conf"
  size_t line = 0;   // the first is 1; of a directive on several lines, its first
  std::string text;  // "install esp4 /bin/false", at most 80 bytes
};

// The first directive that keeps the kernel from loading the module when it asks for it: an
// `install` with a command of its own, or `blacklist`, as the kernel asks by an alias. None: there
// is none, or the host's configuration cannot be read here. `root`: where the host's folders are.
std::optional<ModuleBlock> module_block(const std::string& module, const std::string& root = "");

// "/etc/modprobe.d/esp.conf, line 2, forbids it ("install esp4 /bin/false")" and, for ESP's
// modules, why distributions did so in 2026 and whether the kernel of this release is mended.
// `release`: as uname says it.
std::string describe(const ModuleBlock& block, const std::string& module,
                     const std::string& release);

}  // namespace pellicle
