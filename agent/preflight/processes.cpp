#include "agent/preflight/processes.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace pellicle {

namespace fs = std::filesystem;

Processes read_processes(const std::string& proc) {
  Processes processes;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(proc, error)) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos || name.size() > 9) continue;
    std::ifstream file(entry.path() / "comm");
    std::string command;
    if (std::getline(file, command)) processes.emplace(std::stoi(name), command);
  }
  return processes;
}

std::optional<int> find_process(const Processes& processes, const std::string& name) {
  const auto found = std::find_if(processes.begin(), processes.end(),
                                  [&](const auto& process) { return process.second == name; });
  return found == processes.end() ? std::nullopt : std::optional(found->first);
}

std::optional<int> owner_of_socket(uint64_t inode, const Processes& processes,
                                   const std::string& proc) {
  const auto wanted = "socket:[" + std::to_string(inode) + "]";
  for (const auto& [pid, name] : processes) {
    std::error_code ended;
    for (const auto& entry :
         fs::directory_iterator(proc + "/" + std::to_string(pid) + "/fd", ended)) {
      std::error_code closed;
      if (fs::read_symlink(entry.path(), closed) == wanted) return pid;
    }
  }
  return std::nullopt;
}

std::string process_text(const Processes& processes, int pid) {
  const auto found = processes.find(pid);
  return (found == processes.end() ? "a process" : found->second) + " (pid " + std::to_string(pid) +
         ")";
}

}  // namespace pellicle
