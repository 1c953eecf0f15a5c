#include "tools/cni/deletion.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <system_error>

#include "agent/files/replace_file.h"

namespace pellicle::cni {

namespace {

// A name in a folder has at most 255 bytes (NAME_MAX); ".json.new" comes behind ours.
constexpr size_t kLongestName = 200;

std::string folder_of(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

// FNV-1a, 64 bits: tells apart long ids that begin alike, the same in every build.
std::string digest(const std::string& text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  std::array<char, 17> hex{};
  std::snprintf(hex.data(), hex.size(), "%016llx", static_cast<unsigned long long>(hash));
  return hex.data();
}

void make_folder(const std::string& path) {
  if (path.empty() || ::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return;
  if (errno == ENOENT) {
    make_folder(folder_of(path));
    if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return;
  }
  throw std::system_error(errno, std::generic_category(), "make folder " + path);
}

}  // namespace

std::string deletion_file(const std::string& socket, const std::string& id) {
  // An id needs no escaping: a container's id starts with a letter or digit, and neither it nor an
  // interface's name has a slash.
  const auto name = id.size() <= kLongestName ? id : id.substr(0, kLongestName) + digest(id);
  return folder_of(socket) + "/deletions/" + name + ".json";
}

void queue_deletion(const std::string& socket, const std::string& id) {
  make_folder(folder_of(socket) + "/deletions");
  const nlohmann::json json{{"id", id}};
  replace_file(deletion_file(socket, id),
               json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

bool is_deletion_queued(const std::string& socket, const std::string& id) {
  return ::access(deletion_file(socket, id).c_str(), F_OK) == 0;
}

void forget_deletion(const std::string& socket, const std::string& id) {
  ::unlink(deletion_file(socket, id).c_str());
}

}  // namespace pellicle::cni
