// Notices that another program changed the node's netfilter tables. nftables notifications name the
// chain; for the legacy tables only the use of their lock is visible.
#pragma once

#include <linux/netlink.h>

#include <string>

#include "agent/kernel/file_descriptor.h"

namespace pellicle {

inline constexpr const char* kNetfilterLock = "/run/xtables.lock";

// Watches the lock of the legacy tables. The tools open it before they write (iptables 1.4.20 and
// later).
class NetfilterLockWatch {
 public:
  explicit NetfilterLockWatch(const std::string& lock = kNetfilterLock);
  int fd() const { return inotify_.get(); }  // -1: cannot be watched, its folder does not exist
  bool used();  // true: a program closed the lock since the last call; does not wait

 private:
  FileDescriptor inotify_;
};

// True for an nftables notification about a table, a built-in chain of iptables, or a chain of
// Pellicle's. Changes of Kubernetes Services touch none of these.
bool concerns_chains(const nlmsghdr& announcement);

class NetfilterWatch {
 public:
  // Watches the lock, and nftables through netlink. A source that cannot be watched (a kernel
  // without nf_tables) is left to the regular passes.
  explicit NetfilterWatch(const std::string& lock = kNetfilterLock);

  int fd() const { return either_.get(); }  // readable when there is something to read
  bool changed();                           // reads all that is pending; does not wait

 private:
  NetfilterLockWatch lock_;
  FileDescriptor nftables_;
  FileDescriptor either_;  // epoll of both
};

}  // namespace pellicle
