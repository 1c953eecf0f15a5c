#include "agent/kernel/notifications.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "agent/kernel/file_descriptor.h"
#include "agent/kernel/netlink_message.h"
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

bool is_pod_link(const nlmsghdr& message) {
  return Attributes(message, sizeof(ifinfomsg)).text(IFLA_IFNAME).starts_with("lxc");
}

// Empty for what is of no interest.
std::string route_change(const nlmsghdr& message) {
  switch (message.nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
      return is_pod_link(message) ? kPodLinkChange : "link";
    case RTM_NEWADDR:
    case RTM_DELADDR:
      return "address";
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
      return "route";
    case RTM_NEWRULE:
    case RTM_DELRULE:
      return "rule";
    case RTM_NEWQDISC:
    case RTM_DELQDISC:
    case RTM_NEWTFILTER:
    case RTM_DELTFILTER:
      return "tc";
    default:
      return "";
  }
}

std::string xfrm_change(uint16_t type) {
  switch (type) {
    case XFRM_MSG_NEWSA:
    case XFRM_MSG_UPDSA:
    case XFRM_MSG_DELSA:
    case XFRM_MSG_FLUSHSA:
      return "xfrm state";
    case XFRM_MSG_NEWPOLICY:
    case XFRM_MSG_UPDPOLICY:
    case XFRM_MSG_DELPOLICY:
    case XFRM_MSG_FLUSHPOLICY:
      return "xfrm policy";
    default:
      return "";
  }
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
      read(static_cast<size_t>(size), is_own, changes);
      // A new state is announced with its key.
      explicit_bzero(bytes_.data(), static_cast<size_t>(size));
    }
  }

 private:
  void read(size_t size, const std::function<bool(uint32_t)>& is_own, Changes& changes) {
    auto left = static_cast<int>(size);
    auto* message = reinterpret_cast<nlmsghdr*>(bytes_.data());
    for (; nlmsg_ok(message, left); message = nlmsg_next(message, &left)) {
      // Port 0 is the kernel itself.
      if (message->nlmsg_pid != 0 && is_own(message->nlmsg_pid)) continue;
      auto change =
          protocol_ == NETLINK_XFRM ? xfrm_change(message->nlmsg_type) : route_change(*message);
      if (!change.empty()) changes.insert(std::move(change));
    }
  }

  int protocol_;
  std::unique_ptr<nl_sock, void (*)(nl_sock*)> socket_;
  std::vector<uint8_t> bytes_;
};

}  // namespace

struct Notifications::Sources {
  Source route{NETLINK_ROUTE,
               {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV4_RULE,
                RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV6_RULE, RTNLGRP_TC}};
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
