// The types of the netlink messages that the kernel multicasts.
#pragma once

#include <linux/netlink.h>
#include <sys/socket.h>

#include <array>
#include <vector>

#include "agent/kernel/file_descriptor.h"
#include "tests/harness/catch.h"

namespace pellicle::contract {

using Types = std::vector<uint16_t>;

inline uint32_t group_bit(unsigned number) {
  return 1U << (number - 1);
}

// Listens to multicast groups; heard() returns the message types since the last call, in order.
class Announcements {
 public:
  Announcements(int protocol, uint32_t groups)
      : socket_(::socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol)) {
    REQUIRE(socket_);
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = groups;
    REQUIRE(bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  }

  Types heard() {
    Types types;
    alignas(nlmsghdr) std::array<uint8_t, 65536> bytes;
    for (;;) {
      const auto size = recv(socket_.get(), bytes.data(), bytes.size(), 0);
      if (size <= 0) return types;
      auto left = static_cast<uint32_t>(size);
      const auto* message = reinterpret_cast<const nlmsghdr*>(bytes.data());
      while (NLMSG_OK(message, left)) {
        types.push_back(message->nlmsg_type);
        left -= NLMSG_ALIGN(message->nlmsg_len);
        message = reinterpret_cast<const nlmsghdr*>(bytes.data() + (size - left));
      }
    }
  }

 private:
  FileDescriptor socket_;
};

}  // namespace pellicle::contract
