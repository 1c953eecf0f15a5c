#include "agent/files/journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <system_error>

#include "agent/files/replace_file.h"

namespace pellicle {

namespace {

[[noreturn]] void fail(const char* verb, const std::string& path, int error) {
  throw std::system_error(error, std::generic_category(), std::string(verb) + " " + path);
}

std::optional<std::string> contents(const std::string& path) {
  errno = 0;
  std::ifstream file(path);
  if (!file) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    fail("read", path, errno ? errno : EIO);
  }
  std::ostringstream text;
  text << file.rdbuf();
  if (file.bad()) fail("read", path, EIO);
  return text.str();
}

// FNV-1a, 64 bits: tells one `whole` from the previous one. Never 0.
uint64_t digest(const std::string& text) {
  uint64_t hash = 14695981039346656037U;
  for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 1099511628211U;
  return hash == 0 ? 1 : hash;
}

std::string first_line(uint64_t digest) {
  return "of " + std::to_string(digest) + "\n";
}

int write_all(int fd, const std::string& text) {
  for (size_t done = 0; done < text.size();) {
    const ssize_t size = ::write(fd, text.data() + done, text.size() - done);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return errno;
    done += static_cast<size_t>(size);
  }
  return 0;
}

int write_at(int fd, size_t end, const std::string& text) {
  const auto size = static_cast<off_t>(end);
  // Cut off an incomplete line that a crashed process left.
  if (::ftruncate(fd, size) != 0 || ::lseek(fd, size, SEEK_SET) < 0) return errno;
  const int error = write_all(fd, text);
  if (error != 0 && ::ftruncate(fd, size) != 0) return errno;
  return error;
}

}  // namespace

Journal::Contents Journal::read() {
  Contents all{.whole = contents(path_), .lines = {}};
  digest_ = appended_ = 0;
  if (!all.whole) return all;
  digest_ = digest(*all.whole);
  const auto text = contents(more()).value_or("");
  const auto head = first_line(digest_);
  if (!text.starts_with(head)) return all;
  appended_ = text.rfind('\n') + 1;
  for (size_t next = head.size(); next < appended_;) {
    const size_t end = text.find('\n', next);
    all.lines.push_back(text.substr(next, end - next));
    next = end + 1;
  }
  return all;
}

void Journal::append(const std::string& lines) {
  const int fd = ::open(more().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) fail("write", more(), errno);
  const auto text = appended_ == 0 ? first_line(digest_) + lines : lines;
  const int error = write_at(fd, appended_, text);
  ::close(fd);
  if (error != 0) fail("write", more(), error);
  appended_ += text.size();
}

void Journal::replace(const std::string& whole) {
  replace_file(path_, whole);
  digest_ = digest(whole);
  appended_ = 0;
  ::unlink(more().c_str());  // if this fails, its first line names the previous whole: ignored
}

void Journal::remove() {
  for (const auto& path : {path_, more()}) {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) fail("remove", path, errno);
  }
  digest_ = appended_ = 0;
}

void Journal::set_aside(const std::string& path) {
  if (std::rename(path_.c_str(), path.c_str()) != 0) fail("set aside", path_, errno);
  ::unlink(more().c_str());
  digest_ = appended_ = 0;
}

}  // namespace pellicle
