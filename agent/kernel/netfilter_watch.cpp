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
#include <utility>

namespace pellicle {

namespace {

// Opened by nobody who watches it, unless it has to be made.
FileDescriptor watch_of(const std::string& file) {
  FileDescriptor watch(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!watch) return {};
  if (inotify_add_watch(watch.get(), file.c_str(), IN_CLOSE) >= 0) return watch;
  FileDescriptor(open(file.c_str(), O_CREAT | O_CLOEXEC, 0600)).close();  // as iptables makes it
  return inotify_add_watch(watch.get(), file.c_str(), IN_CLOSE) >= 0 ? std::move(watch)
                                                                     : FileDescriptor();
}

FileDescriptor nftables_announcements() {
  FileDescriptor socket(
      ::socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_NETFILTER));
  if (!socket) return {};
  // Without a port of its own it has 0, which nftables' announcements are never sent to (6.1).
  sockaddr_nl any_port{};
  any_port.nl_family = AF_NETLINK;
  if (bind(socket.get(), reinterpret_cast<sockaddr*>(&any_port), sizeof any_port) != 0) return {};
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

NetfilterLockWatch::NetfilterLockWatch(const std::string& lock) : inotify_(watch_of(lock)) {}

bool NetfilterLockWatch::used() {
  return drain(inotify_);
}

NetfilterWatch::NetfilterWatch(const std::string& lock)
    : lock_(lock), nftables_(nftables_announcements()), either_(epoll_create1(EPOLL_CLOEXEC)) {
  for (const int source : {lock_.fd(), nftables_.get()}) {
    epoll_event event{};
    event.events = EPOLLIN;
    if (source >= 0) epoll_ctl(either_.get(), EPOLL_CTL_ADD, source, &event);
  }
}

bool NetfilterWatch::changed() {
  const bool legacy = lock_.used();
  const bool nftables = drain(nftables_);
  return legacy || nftables;
}

}  // namespace pellicle
