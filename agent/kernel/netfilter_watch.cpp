#include "agent/kernel/netfilter_watch.h"

#include <fcntl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace pellicle {

namespace {

FileDescriptor watch_of(const std::string& file) {
  FileDescriptor watch(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  FileDescriptor(open(file.c_str(), O_CREAT | O_CLOEXEC, 0600)).close();  // as iptables makes it
  if (!watch || inotify_add_watch(watch.get(), file.c_str(), IN_CLOSE) < 0) return {};
  return watch;
}

FileDescriptor nftables_announcements() {
  FileDescriptor socket(
      ::socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_NETFILTER));
  if (!socket) return {};
  const int group = NFNLGRP_NFTABLES;
  if (setsockopt(socket.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0) {
    return {};
  }
  return socket;
}

// True when there was something. An overrun (ENOBUFS) is something.
bool drain(const FileDescriptor& source) {
  if (!source) return false;
  std::array<char, 16384> bytes{};
  bool any = false;
  for (;;) {
    const ssize_t size = read(source.get(), bytes.data(), bytes.size());
    if (size > 0 || (size < 0 && errno == ENOBUFS)) {
      any = true;
      continue;
    }
    if (size < 0 && errno == EINTR) continue;
    return any;
  }
}

}  // namespace

NetfilterWatch::NetfilterWatch(const std::string& lock)
    : lock_(watch_of(lock)),
      nftables_(nftables_announcements()),
      either_(epoll_create1(EPOLL_CLOEXEC)) {
  for (const auto* source : {&lock_, &nftables_}) {
    epoll_event event{};
    event.events = EPOLLIN;
    if (*source) epoll_ctl(either_.get(), EPOLL_CTL_ADD, source->get(), &event);
  }
}

bool NetfilterWatch::changed() {
  const bool legacy = drain(lock_);
  const bool nftables = drain(nftables_);
  return legacy || nftables;
}

}  // namespace pellicle
