#include "agent/kernel/netfilter_watch.h"

#include <fcntl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "agent/kernel/netfilter_save.h"
#include "agent/kernel/netlink_message.h"

namespace pellicle {

namespace {

// Watches the file without opening it, so that a watcher does not report itself. Opens the file
// only to create it.
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
  // An unbound socket has port 0, to which the kernel never sends nftables notifications (6.1).
  sockaddr_nl any_port{};
  any_port.nl_family = AF_NETLINK;
  if (bind(socket.get(), reinterpret_cast<sockaddr*>(&any_port), sizeof any_port) != 0) return {};
  const int group = NFNLGRP_NFTABLES;
  if (setsockopt(socket.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0) {
    return {};
  }
  return socket;
}

constexpr std::array kBeginnings = {"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"};

bool decides(const std::string& chain) {
  return chain.starts_with(kChainPrefix) ||
         std::find(kBeginnings.begin(), kBeginnings.end(), chain) != kBeginnings.end();
}

// Calls take(bytes, size) for all pending data, without waiting. A size of -1 means that the
// socket's buffer overflowed.
template <class Take>
void drain(const FileDescriptor& source, const Take& take) {
  alignas(nlmsghdr) std::array<char, size_t{64} * 1024> bytes{};
  while (source) {
    const ssize_t size = read(source.get(), bytes.data(), bytes.size());
    if (size < 0 && errno == EINTR) continue;
    if (size == 0 || (size < 0 && errno != ENOBUFS)) return;
    take(bytes.data(), size);
  }
}

bool any_concerns_chains(const char* bytes, ssize_t size) {
  if (size < 0) return true;
  auto left = static_cast<unsigned>(size);
  const auto* message = reinterpret_cast<const nlmsghdr*>(bytes);
  for (; NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) {
    if (concerns_chains(*message)) return true;
  }
  return false;
}

}  // namespace

NetfilterLockWatch::NetfilterLockWatch(const std::string& lock) : inotify_(watch_of(lock)) {}

bool NetfilterLockWatch::used() {
  bool any = false;
  drain(inotify_, [&](const char*, ssize_t) { any = true; });
  return any;
}

bool concerns_chains(const nlmsghdr& announcement) {
  if (announcement.nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES) return false;
  const auto text = [&](int attribute) {
    return Attributes(announcement, sizeof(nfgenmsg)).text(attribute);
  };
  switch (announcement.nlmsg_type & 0xff) {
    case NFT_MSG_NEWTABLE:
    case NFT_MSG_DELTABLE:
      return true;
    case NFT_MSG_NEWCHAIN:
    case NFT_MSG_DELCHAIN:
      return decides(text(NFTA_CHAIN_NAME));
    case NFT_MSG_NEWRULE:
    case NFT_MSG_DELRULE:
      return decides(text(NFTA_RULE_CHAIN));
    default:
      return false;
  }
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
  bool any = lock_.used();
  drain(nftables_,
        [&](const char* bytes, ssize_t size) { any = any || any_concerns_chains(bytes, size); });
  return any;
}

}  // namespace pellicle
