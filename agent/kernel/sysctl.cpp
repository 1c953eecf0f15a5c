#include "agent/kernel/sysctl.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "agent/kernel/file_descriptor.h"
#include "agent/kernel/os_error.h"

namespace pellicle {

namespace {

// The chart mounts the node's /proc/sys here, because in an unprivileged container /proc/sys is
// read-only.
constexpr const char* kMounted = "/host/proc/sys/";

const std::string& root() {
  static const std::string root =
      access((std::string(kMounted) + "net").c_str(), F_OK) == 0 ? kMounted : "/proc/sys/";
  return root;
}

// Files below sys/net belong to the network namespace of the thread that opens them, whatever the
// mount (checked on 6.1).
std::string file_of(const std::string& path) {
  if (path.empty() || path.front() == '/' || path.find("..") != std::string::npos) {
    throw OsError(EINVAL, "sysctl " + path + ": not a path below /proc/sys");
  }
  return root() + path;
}

}  // namespace

std::optional<std::string> read_sysctl(const std::string& path) {
  const FileDescriptor file(open(file_of(path).c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    if (errno == ENOENT) return std::nullopt;
    fail(errno, "read sysctl " + path);
  }
  std::array<char, 4096> bytes;
  const ssize_t size = read(file.get(), bytes.data(), bytes.size());
  if (size < 0) fail(errno, "read sysctl " + path);
  std::string value(bytes.data(), static_cast<size_t>(size));
  while (!value.empty() && value.back() == '\n') value.pop_back();
  return value;
}

bool sysctl_is_writable(const std::string& path) {
  return access(file_of(path).c_str(), W_OK) == 0;
}

void write_sysctl(const std::string& path, const std::string& value) {
  const FileDescriptor file(open(file_of(path).c_str(), O_WRONLY | O_CLOEXEC));
  if (!file) fail(errno, "write sysctl " + path);
  if (write(file.get(), value.data(), value.size()) != static_cast<ssize_t>(value.size())) {
    fail(errno, "write sysctl " + path);
  }
}

bool sysctls_hold(const Table<Sysctl>& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [](const auto& each) {
    try {
      return read_sysctl(each.first.path).value_or(each.second.value) == each.second.value;
    } catch (const OsError&) {
      return true;
    }
  });
}

}  // namespace pellicle
