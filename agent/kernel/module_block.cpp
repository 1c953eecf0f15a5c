#include "agent/kernel/module_block.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <vector>

#include "agent/kernel/kernel_fix.h"

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
  return text + ", as distributions did in May 2026 because of " + kEspDefect + "; " +
         esp_fix_releases() + ": " + about_esp_fix(release);
}

}  // namespace pellicle
