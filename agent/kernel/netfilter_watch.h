// Hears that somebody used the node's netfilter tools. Of the legacy tables nobody says what was
// changed; nftables names the chain.
#pragma once

#include <linux/netlink.h>

#include <string>

#include "agent/kernel/file_descriptor.h"

namespace pellicle {

inline constexpr const char* kNetfilterLock = "/run/xtables.lock";

// Of the legacy tables. Everybody who writes them opens the lock first (iptables 1.4.20 and later).
class NetfilterLockWatch {
 public:
  explicit NetfilterLockWatch(const std::string& lock = kNetfilterLock);
  int fd() const { return inotify_.get(); }  // -1: it cannot be watched, there is no such folder
  bool used();  // since it was last asked, and given back; without waiting

 private:
  FileDescriptor inotify_;
};

// Is an announcement of nftables about what decides over our packets and where: a table, a chain
// that iptables' tables begin with, or one of ours? Services that come and go change neither.
bool concerns_chains(const nlmsghdr& announcement);

class NetfilterWatch {
 public:
  // nftables announces its changes by netlink. What cannot be watched (no nf_tables) is left to the
  // comparisons that are made anyway.
  explicit NetfilterWatch(const std::string& lock = kNetfilterLock);

  int fd() const { return either_.get(); }  // readable when there is something to take
  bool changed();                           // takes all that has come, without waiting

 private:
  NetfilterLockWatch lock_;
  FileDescriptor nftables_;
  FileDescriptor either_;  // epoll of both
};

}  // namespace pellicle
