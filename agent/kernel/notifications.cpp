#include "agent/kernel/notifications.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "agent/kernel/announcements.h"
#include "agent/kernel/file_descriptor.h"
#include "agent/kernel/os_error.h"

namespace pellicle {

namespace {

constexpr int kReceiveBytes = 4 * 1024 * 1024;
constexpr size_t kNotificationBytes = size_t{64} * 1024;
constexpr const char* kOverrun = "too much to follow";

[[noreturn]] void fail_to_follow(int error, const std::string& operation) {
  const char* advice = error == EPERM ? ": this needs CAP_NET_ADMIN" : "";
  throw OsError(error, operation + ": " + std::strerror(error) + advice);
}

class Source {
 public:
  Source(int protocol, std::initializer_list<int> groups)
      : protocol_(protocol),
        socket_(nl_socket_alloc(), nl_socket_free),
        bytes_(kNotificationBytes) {
    if (!socket_) throw std::bad_alloc();
    errno = 0;
    if (nl_connect(socket_.get(), protocol) < 0)
      fail_to_follow(errno ? errno : EIO, "open a monitor");
    setsockopt(fd(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBytes, sizeof kReceiveBytes);
    for (const int group : groups) {
      if (nl_socket_add_membership(socket_.get(), group) < 0)
        fail_to_follow(errno, "watch the kernel");
    }
  }

  int fd() const { return nl_socket_get_fd(socket_.get()); }

  void take(const std::function<bool(uint32_t)>& is_own, Changes& changes) {
    for (;;) {
      const ssize_t size = recv(fd(), bytes_.data(), bytes_.size(), MSG_DONTWAIT);
      if (size < 0 && errno == EAGAIN) return;
      if (size < 0 && errno == EINTR) continue;
      if (size < 0 && errno != ENOBUFS) fail_to_follow(errno, "watch the kernel");
      if (size < 0) {
        changes.insert(kOverrun);
        continue;
      }
      changes.merge(changes_in(protocol_, {bytes_.data(), static_cast<size_t>(size)}, is_own));
      // The notification of a new state contains its key.
      explicit_bzero(bytes_.data(), static_cast<size_t>(size));
    }
  }

 private:
  int protocol_;
  std::unique_ptr<nl_sock, void (*)(nl_sock*)> socket_;
  std::vector<uint8_t> bytes_;
};

}  // namespace

struct Notifications::Sources {
  Source route{NETLINK_ROUTE,
               {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV4_RULE,
                RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV6_RULE, RTNLGRP_TC,
                RTNLGRP_IPV4_NETCONF, RTNLGRP_IPV6_NETCONF}};
  Source xfrm{NETLINK_XFRM, {XFRMNLGRP_SA, XFRMNLGRP_POLICY}};
  FileDescriptor either{epoll_create1(EPOLL_CLOEXEC)};
};

Notifications::Notifications(std::function<bool(uint32_t port)> is_own)
    : sources_(std::make_unique<Sources>()), is_own_(std::move(is_own)) {
  if (!sources_->either) fail_to_follow(errno, "make an epoll descriptor");
  for (const auto* source : {&sources_->route, &sources_->xfrm}) {
    epoll_event event{};
    event.events = EPOLLIN;
    if (epoll_ctl(fd(), EPOLL_CTL_ADD, source->fd(), &event) != 0)
      fail_to_follow(errno, "watch a socket");
  }
}

Notifications::~Notifications() = default;

int Notifications::fd() const {
  return sources_->either.get();
}

Changes Notifications::changes() {
  Changes found;
  sources_->route.take(is_own_, found);
  sources_->xfrm.take(is_own_, found);
  return found;
}

}  // namespace pellicle
