// A host's folders as far as kernel modules go, made up for a test.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include "agent/kernel/modules.h"
#include "tests/harness/temporary_directory.h"

namespace pellicle {

class ModuleHost {
 public:
  static constexpr const char* kRelease = "6.1.0-57-amd64";

  ModuleHost() {
    write("/proc/modules", "");
    in_modules("modules.builtin", "");
    in_modules("modules.dep", "");
  }

  void write(const std::string& path, const std::string& text) {
    const auto file = std::filesystem::path(root_.path() + path);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::app) << text;
  }
  void loaded(const std::string& name) { write("/proc/modules", name + " 16384 0 - Live 0x0\n"); }
  void built_in(const std::string& path) { in_modules("modules.builtin", path + "\n"); }
  void loadable(const std::string& path) {
    in_modules("modules.dep", path + ": kernel/other.ko\n");
    in_modules(path, "");
  }
  void remove(const std::string& path) { std::filesystem::remove_all(root_.path() + path); }

  KernelModules modules() const { return KernelModules(kRelease, root_.path()); }

 private:
  void in_modules(const std::string& file, const std::string& text) {
    write(std::string("/lib/modules/") + kRelease + "/" + file, text);
  }
  TemporaryDirectory root_;
};

}  // namespace pellicle
