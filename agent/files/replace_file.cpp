#include "agent/files/replace_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

namespace pellicle {

namespace {

[[noreturn]] void fail(const std::string& path, int error) {
  throw std::system_error(error, std::generic_category(), "write " + path);
}

// Returns 0, or the errno of the first step that failed.
int write_all(int fd, const std::string& content, unsigned mode) {
  for (size_t done = 0; done < content.size();) {
    const ssize_t size = ::write(fd, content.data() + done, content.size() - done);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return errno;
    done += static_cast<size_t>(size);
  }
  if (::fchmod(fd, mode) != 0 || ::fsync(fd) != 0) return errno;
  return 0;
}

void sync_folder(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;  // the rename is done; a folder that cannot be opened cannot be synced
  ::fsync(fd);
  ::close(fd);
}

}  // namespace

void replace_file(const std::string& path, const std::string& content, unsigned mode) {
  const std::string temporary = path + ".new";
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) fail(path, errno);
  int error = write_all(fd, content, mode);
  if (::close(fd) != 0 && error == 0) error = errno;
  if (error == 0 && std::rename(temporary.c_str(), path.c_str()) != 0) error = errno;
  if (error != 0) {
    ::unlink(temporary.c_str());
    fail(path, error);
  }
  sync_folder(path);
}

}  // namespace pellicle
