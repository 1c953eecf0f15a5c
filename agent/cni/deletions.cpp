#include "agent/cni/deletions.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace pellicle {

namespace fs = std::filesystem;

namespace {

std::string id_in(const fs::path& file) {
  std::ifstream stream(file);
  const auto json = nlohmann::json::parse(stream, nullptr, false);
  const auto id = json.is_object() ? json.find("id") : json.end();
  return id != json.end() && id->is_string() ? id->get<std::string>() : "";
}

}  // namespace

std::string deletions_folder(const std::string& socket) {
  return (fs::path(socket).parent_path() / "deletions").string();
}

std::vector<Deletion> pending_deletions(const std::string& socket) {
  std::vector<Deletion> pending;
  std::error_code absent;
  for (const auto& entry : fs::directory_iterator(deletions_folder(socket), absent)) {
    if (entry.path().extension() != ".json") continue;
    pending.push_back({.file = entry.path().string(), .id = id_in(entry.path())});
  }
  std::sort(pending.begin(), pending.end(),
            [](const Deletion& a, const Deletion& b) { return a.file < b.file; });
  return pending;
}

}  // namespace pellicle
