#include "agent/kernel/netns.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "agent/kernel/os_error.h"

namespace pellicle {

namespace {

FileDescriptor open_path(const std::string& path) {
  return FileDescriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
}

// Fails on every file that is no namespace, also on what `ip netns` leaves behind after a reboot.
bool is_network_namespace(int fd) {
  return ioctl(fd, NS_GET_NSTYPE) == CLONE_NEWNET;
}

// In and, however the work ends, out again.
class Visit {
 public:
  explicit Visit(const Netns& there) : before_(Netns::of_this_thread()) {
    if (setns(there.fd(), CLONE_NEWNET) == 0) return;
    const int error = errno;
    throw OsError(error, "enter network namespace " + there.path() + ": " + std::strerror(error));
  }
  Visit() : before_(Netns::of_this_thread()) {  // to one that is made by it
    if (unshare(CLONE_NEWNET) == 0) return;
    const int error = errno;
    throw OsError(error, std::string("make a network namespace: ") + std::strerror(error));
  }
  ~Visit() {
    if (setns(before_.fd(), CLONE_NEWNET) == 0) return;
    std::perror("leave a pod's network namespace");
    std::abort();
  }
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;

 private:
  Netns before_;
};

}  // namespace

Netns::Netns(std::string path) : path_(std::move(path)), fd_(open_path(path_)) {
  if (!fd_) {
    const int error = errno;
    throw OsError(error, "network namespace " + path_ + ": " + std::strerror(error));
  }
  require_network_namespace();
}

Netns::Netns(FileDescriptor fd, std::string path) : path_(std::move(path)), fd_(std::move(fd)) {
  require_network_namespace();
}

void Netns::require_network_namespace() const {
  if (is_network_namespace(fd_.get())) return;
  throw OsError(EINVAL, "network namespace " + path_ + ": the file is no network namespace");
}

Netns Netns::of_process(pid_t pid) {
  return Netns("/proc/" + std::to_string(pid) + "/ns/net");
}

Netns Netns::of_this_thread() {
  return Netns("/proc/thread-self/ns/net");
}

Netns::Netns(FileDescriptor fd)
    : path_("/proc/self/fd/" + std::to_string(fd.get())), fd_(std::move(fd)) {}

Netns Netns::fresh() {
  const Visit visit;
  FileDescriptor fd = open_path("/proc/thread-self/ns/net");
  if (!fd) throw OsError(errno, std::string("open a network namespace: ") + std::strerror(errno));
  return Netns(std::move(fd));
}

bool Netns::exists(const std::string& path) {
  const FileDescriptor fd = open_path(path);
  return fd && is_network_namespace(fd.get());
}

bool Netns::operator==(const Netns& other) const {
  struct stat mine {};
  struct stat theirs {};
  return fstat(fd(), &mine) == 0 && fstat(other.fd(), &theirs) == 0 &&
         mine.st_dev == theirs.st_dev && mine.st_ino == theirs.st_ino;
}

void Netns::run(const std::function<void()>& work) const {
  const Visit visit(*this);
  work();
}

}  // namespace pellicle
