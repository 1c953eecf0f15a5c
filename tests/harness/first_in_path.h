// A test's own programs, found before the system's programs of the same name.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/harness/temporary_directory.h"

namespace pellicle {

// During its lifetime, this process and its children search `folder()` first.
class FirstInPath {
 public:
  FirstInPath() { setenv("PATH", (folder() + ":" + before_).c_str(), 1); }
  ~FirstInPath() { setenv("PATH", before_.c_str(), 1); }
  FirstInPath(const FirstInPath&) = delete;
  FirstInPath& operator=(const FirstInPath&) = delete;

  const std::string& folder() const { return folder_.path(); }

  void script(const std::string& name, const std::string& text) const {
    const auto path = folder() + "/" + name;
    std::ofstream(path) << "#!/bin/sh\n" << text;
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  }
  void link(const std::string& name, const std::string& program) const {
    std::filesystem::create_symlink(program, folder() + "/" + name);
  }

 private:
  TemporaryDirectory folder_;
  std::string before_ = std::getenv("PATH") ? std::getenv("PATH") : "/bin:/sbin";
};

}  // namespace pellicle
