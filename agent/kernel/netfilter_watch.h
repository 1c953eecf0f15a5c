// Hears that somebody used the node's netfilter tools. Neither back end says what was changed.
#pragma once

#include <string>

#include "agent/kernel/file_descriptor.h"

namespace pellicle {

class NetfilterWatch {
 public:
  // Everybody who writes the legacy tables opens `lock` first (iptables 1.4.20 and later); nftables
  // announces its changes by netlink. What cannot be watched (no such folder, no nf_tables) is left
  // to the comparisons that are made anyway.
  explicit NetfilterWatch(const std::string& lock = "/run/xtables.lock");

  int fd() const { return either_.get(); }  // readable when there is something to take
  bool changed();                           // takes all that has come, without waiting

 private:
  FileDescriptor lock_;  // inotify
  FileDescriptor nftables_;
  FileDescriptor either_;  // epoll of both
};

}  // namespace pellicle
