// Another network namespace: found by path or process, entered for the length of a call.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

#include "agent/kernel/file_descriptor.h"

namespace pellicle {

class Netns {
 public:
  // Opens /run/netns/x, /proc/<pid>/ns/net and the like. Throws OsError with ENOENT when there is
  // nothing, with EINVAL when the file is no network namespace.
  explicit Netns(std::string path);
  // Takes a descriptor that another process opened at `path`. Throws OsError with EINVAL as above.
  Netns(FileDescriptor fd, std::string path);

  static Netns of_process(pid_t pid);
  static Netns of_this_thread();
  // A new one that lives as long as it is open here, or has a socket or a process in it. It needs
  // no mount. OsError when the kernel refuses it.
  static Netns fresh();
  static bool exists(const std::string& path);  // there, and a network namespace

  const std::string& path() const { return path_; }
  int fd() const { return fd_.get(); }        // as IFLA_NET_NS_FD takes it
  bool operator==(const Netns& other) const;  // the same namespace, by whatever path

  // Calls `work` with the calling thread inside the namespace; what it throws comes out here. The
  // thread always comes back: if the kernel refused that (nothing but a lack of memory makes it),
  // the process ends rather than program the wrong namespace. Not a thread of its own, because to
  // wait for one costs more than all a pod needs (User-Mode Linux 6.1: 2 ms of 3).
  void run(const std::function<void()>& work) const;

 private:
  explicit Netns(FileDescriptor fd);
  void require_network_namespace() const;

  std::string path_;
  FileDescriptor fd_;
};

}  // namespace pellicle
