#include "tests/contract/pods_router.h"

#include <netinet/icmp6.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

#include "agent/kernel/file_descriptor.h"
#include "tests/harness/catch.h"

namespace pellicle::contract {

namespace {

// A router with the autoconfiguration prefix fd77::/64.
struct Advertisement {
  nd_router_advert router{};
  nd_opt_prefix_info prefix{};
};

Advertisement advertisement() {
  Advertisement message;
  message.router.nd_ra_type = ND_ROUTER_ADVERT;
  message.router.nd_ra_router_lifetime = htons(600);
  message.prefix.nd_opt_pi_type = ND_OPT_PREFIX_INFORMATION;
  message.prefix.nd_opt_pi_len = 4;  // in units of 8 bytes
  message.prefix.nd_opt_pi_prefix_len = 64;
  message.prefix.nd_opt_pi_flags_reserved = ND_OPT_PI_FLAG_ONLINK | ND_OPT_PI_FLAG_AUTO;
  message.prefix.nd_opt_pi_valid_time = htonl(600);
  message.prefix.nd_opt_pi_preferred_time = htonl(600);
  message.prefix.nd_opt_pi_prefix.s6_addr[0] = 0xfd;
  message.prefix.nd_opt_pi_prefix.s6_addr[1] = 0x77;
  return message;
}

}  // namespace

// The kernel adds the checksum.
void advertise(int index) {
  const FileDescriptor socket(::socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6));
  REQUIRE(socket);
  const int hops = 255;  // RFC 4861: hosts accept no other hop limit
  REQUIRE(setsockopt(socket.get(), IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof hops) == 0);
  sockaddr_in6 all_nodes{};
  all_nodes.sin6_family = AF_INET6;
  all_nodes.sin6_scope_id = static_cast<uint32_t>(index);
  all_nodes.sin6_addr.s6_addr[0] = 0xff;
  all_nodes.sin6_addr.s6_addr[1] = 0x02;
  all_nodes.sin6_addr.s6_addr[15] = 0x01;
  const Advertisement message = advertisement();
  REQUIRE(sendto(socket.get(), &message, sizeof message, 0,
                 reinterpret_cast<const sockaddr*>(&all_nodes),
                 sizeof all_nodes) == static_cast<ssize_t>(sizeof message));
}

std::string until_link_local(const std::string& device) {
  return "timeout 9 sh -c 'until ip -6 -o a show dev " + device +
         " scope link -tentative | grep -q fe80; do sleep 0.1; done'";
}

}  // namespace pellicle::contract
