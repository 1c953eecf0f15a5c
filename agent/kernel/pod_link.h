// The two ends of a pod's veth pair, as netlink messages and what is read back.
#pragma once

#include <optional>
#include <string>

#include "agent/kernel/link_codec.h"
#include "agent/kernel/netlink_socket.h"
#include "agent/kernel/pod.h"

namespace pellicle {

struct PodLink {
  struct Inet6 {
    bool disabled = false;                // disable_ipv6
    bool accepts_advertisements = false;  // accept_ra: routers may give it addresses and routes
  };
  Link link;
  Mac mac;
  std::optional<Inet6> inet6;  // none: a kernel without IPv6, or an MTU below its 1280 bytes
  bool up() const;
};

// By name, in the socket's network namespace; none when there is no such device. Throws OsError.
std::optional<PodLink> find_link(NetlinkSocket& socket, const std::string& name);

// The same in a batch: the request (ENODEV: no such device), and its answer.
NetlinkMessage link_request(const std::string& name);
std::optional<PodLink> decode_pod_link(const nlmsghdr& answer);

// Are these two one pair, and the one that `endpoint` describes?
bool is_pair_of(const Endpoint& endpoint, const std::optional<PodLink>& host_end,
                const std::optional<PodLink>& pod_end);

NetlinkMessage new_pod_link(const PodSpec& spec, const Endpoint& endpoint, int pod_netns_fd);
// A kernel (6.1) takes an alias for a device that is there; in the request that makes one it is
// ignored.
NetlinkMessage set_alias(const std::string& device, const std::string& alias);
NetlinkMessage set_mtu(const std::string& device, uint32_t mtu);
NetlinkMessage set_up(int index);
NetlinkMessage delete_link(const std::string& device);

}  // namespace pellicle
