// The two ends of a pod's veth pair, as netlink messages and what is read back.
#pragma once

#include <optional>
#include <string>

#include "agent/kernel/link_codec.h"
#include "agent/kernel/netlink_socket.h"
#include "agent/kernel/pod.h"

namespace pellicle {

struct PodLink {
  Link link;
  Mac mac;
  bool up() const;
};

// By name, in the socket's network namespace; none when there is no such device. Throws OsError.
std::optional<PodLink> find_link(NetlinkSocket& socket, const std::string& name);

// Are these two one pair, and the one that `endpoint` describes?
bool is_pair_of(const Endpoint& endpoint, const std::optional<PodLink>& host_end,
                const std::optional<PodLink>& pod_end);

NetlinkMessage new_pod_link(const PodSpec& spec, const Endpoint& endpoint, int pod_netns_fd);
NetlinkMessage set_alias(const std::string& device, const std::string& alias);
NetlinkMessage set_mtu(const std::string& device, uint32_t mtu);
NetlinkMessage set_up(int index);
NetlinkMessage delete_link(const std::string& device);

}  // namespace pellicle
