#include "agent/kernel/module_block.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <vector>

namespace pellicle {

namespace fs = std::filesystem;

namespace {

// In the order of modprobe.d(5): a file hides one of its name in a later folder.
constexpr std::array kFolders = {"/etc/modprobe.d", "/run/modprobe.d", "/usr/local/lib/modprobe.d",
                                 "/usr/lib/modprobe.d", "/lib/modprobe.d"};
constexpr size_t kLongestText = 80;

// kmod takes both for one another.
std::string plain(std::string name) {
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

std::vector<fs::path> files(const std::string& root) {
  std::map<std::string, fs::path> by_name;  // read in the order of their names
  for (const char* folder : kFolders) {
    std::error_code absent;
    for (const auto& entry : fs::directory_iterator(root + folder, absent)) {
      if (entry.path().extension() == ".conf") by_name.emplace(entry.path().filename(), entry);
    }
  }
  std::vector<fs::path> all;
  all.reserve(by_name.size());
  for (auto& [name, path] : by_name) all.push_back(std::move(path));
  return all;
}

bool forbids(const std::string& directive, const std::string& module) {
  std::istringstream words(directive);
  std::string verb, name, command;
  words >> verb >> name >> command;
  if (plain(name) != plain(module)) return false;
  // An install line may do something and then load the module all the same.
  const bool loads = directive.find("modprobe") != std::string::npos;
  return verb == "blacklist" || (verb == "install" && !command.empty() && !loads);
}

std::optional<ModuleBlock> block_in(const fs::path& file, const std::string& module) {
  std::ifstream lines(file);
  std::string line, directive;
  size_t number = 0, first = 0;
  while (std::getline(lines, line)) {
    ++number;
    if (directive.empty()) first = number;
    directive += line;
    if (directive.ends_with('\\')) {
      directive.back() = ' ';
      continue;
    }
    if (forbids(directive, module))
      return ModuleBlock{file, first, directive.substr(0, kLongestText)};
    directive.clear();
  }
  return std::nullopt;
}

// CVE-2026-43284 (May 2026), because of which distributions forbade esp4, esp6 and rxrpc: the first
// release of each branch of kernel.org that has its fix.
struct Release {
  unsigned major = 0;
  unsigned minor = 0;
  unsigned patch = 0;
  auto operator<=>(const Release&) const = default;
};
constexpr std::array kMended = {Release{6, 6, 138}, Release{6, 12, 87}, Release{6, 18, 28},
                                Release{7, 0, 6}};

// Of the releases of kernel.org; vendors' own numbers (6.1.0-57-amd64) say nothing of it.
std::string about_the_fix(const std::string& release) {
  Release own;
  const int read = std::sscanf(release.c_str(), "%u.%u.%u", &own.major, &own.minor, &own.patch);
  if (read == 3 && own.patch > 0) {
    if (own > kMended.back()) return "this kernel (" + release + ") has it";
    for (const auto& mended : kMended) {
      if (own.major != mended.major || own.minor != mended.minor) continue;
      return "this kernel (" + release + (own >= mended ? ") has it" : ") does not");
    }
  }
  return "whether this kernel (" + release + ") has it, its vendor knows";
}

}  // namespace

std::optional<ModuleBlock> module_block(const std::string& module, const std::string& root) {
  for (const auto& file : files(root)) {
    if (auto block = block_in(file, module)) {
      block->file.erase(0, root.size());
      return block;
    }
  }
  return std::nullopt;
}

std::string describe(const ModuleBlock& block, const std::string& module,
                     const std::string& release) {
  std::string text = block.file + ", line " + std::to_string(block.line) + ", forbids the module " +
                     module + " (\"" + block.text + "\")";
  if (module != "esp4" && module != "esp6") return text;
  return text +
         ", as distributions did in May 2026 because of CVE-2026-43284; Linux 6.6.138, 6.12.87, "
         "6.18.28 and 7.0.6 have a fix: " +
         about_the_fix(release);
}

}  // namespace pellicle
