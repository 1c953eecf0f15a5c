#include "agent/kernel/pod_link.h"

#include <linux/if_link.h>
#include <linux/ipv6.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "agent/kernel/os_error.h"

namespace pellicle {

namespace {

constexpr size_t kAliasLength = 255;  // the kernel's IFALIASZ less one

NetlinkMessage named_link_message(int type, const std::string& device) {
  NetlinkMessage message(type, 0);
  message.header(ifinfomsg{});
  message.put_text(IFLA_IFNAME, device);
  return message;
}

void put_end(NetlinkMessage& message, const std::string& name, const Mac& mac, uint32_t mtu) {
  message.put_text(IFLA_IFNAME, name);
  message.put(IFLA_ADDRESS, mac.bytes);
  if (mtu != 0) message.put(IFLA_MTU, mtu);
}

// IFLA_INET6_CONF is an array of 32-bit numbers, one for each DEVCONF_*.
std::optional<PodLink::Inet6> inet6_of(const Attributes& link) {
  const Attributes families(link.raw(IFLA_AF_SPEC));
  const auto bytes = Attributes(families.raw(AF_INET6)).bytes(IFLA_INET6_CONF);
  const auto number = [&](size_t which) {
    int32_t value = 0;
    std::memcpy(&value, bytes.data() + which * sizeof value, sizeof value);
    return value;
  };
  if (bytes.size() < (DEVCONF_DISABLE_IPV6 + 1) * sizeof(int32_t)) return std::nullopt;
  return PodLink::Inet6{.disabled = number(DEVCONF_DISABLE_IPV6) != 0,
                        .accepts_advertisements = number(DEVCONF_ACCEPT_RA) != 0};
}

}  // namespace

bool PodLink::up() const {
  return (link.flags & IFF_UP) != 0;
}

NetlinkMessage link_request(const std::string& name) {
  return named_link_message(RTM_GETLINK, name);
}

std::optional<PodLink> decode_pod_link(const nlmsghdr& answer) {
  const auto link = decode_link(answer);
  if (!link) return std::nullopt;
  const Attributes attributes(answer, sizeof(ifinfomsg));
  return PodLink{.link = *link,
                 .mac = attributes.value<Mac>(IFLA_ADDRESS).value_or(Mac{}),
                 .inet6 = inet6_of(attributes)};
}

std::optional<PodLink> find_link(NetlinkSocket& socket, const std::string& name) {
  std::optional<PodLink> found;
  const Outcome outcome = socket.request(
      link_request(name), [&](size_t, const nlmsghdr& answer) { found = decode_pod_link(answer); });
  if (!outcome.ok() && outcome.error != ENODEV)
    throw OsError(outcome.error, "look at device " + name + ": " + outcome.sentence);
  return found;
}

// A veth end names its peer by the peer's index in the peer's namespace; the MACs, derived from the
// pod's id, tell apart two namespaces that use the same numbers.
bool is_pair_of(const Endpoint& endpoint, const std::optional<PodLink>& host_end,
                const std::optional<PodLink>& pod_end) {
  return host_end && pod_end && host_end->link.kind == "veth" && pod_end->link.kind == "veth" &&
         host_end->link.peer_index == pod_end->link.index &&
         pod_end->link.peer_index == host_end->link.index && host_end->mac == endpoint.host_mac &&
         pod_end->mac == endpoint.pod_mac;
}

// Given at creation, the MACs count as set by us and udev's MACAddressPolicy leaves them alone; the
// pod's end is never seen in the node's namespace.
NetlinkMessage new_pod_link(const PodSpec& spec, const Endpoint& endpoint, int pod_netns_fd) {
  NetlinkMessage message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  message.header(ifinfomsg{});
  put_end(message, endpoint.device, endpoint.host_mac, spec.link_mtu);
  nlattr* info = message.begin_nest(IFLA_LINKINFO);
  message.put_text(IFLA_INFO_KIND, "veth");
  nlattr* data = message.begin_nest(IFLA_INFO_DATA);
  nlattr* peer = message.begin_nest(VETH_INFO_PEER);
  message.header(ifinfomsg{});
  put_end(message, spec.ifname, endpoint.pod_mac, spec.link_mtu);
  message.put(IFLA_NET_NS_FD, pod_netns_fd);
  message.end_nest(peer);
  message.end_nest(data);
  message.end_nest(info);
  return message;
}

NetlinkMessage set_alias(const std::string& device, const std::string& alias) {
  NetlinkMessage message = named_link_message(RTM_NEWLINK, device);
  message.put_bytes(IFLA_IFALIAS, alias.data(), std::min(alias.size(), kAliasLength));
  return message;
}

NetlinkMessage set_mtu(const std::string& device, uint32_t mtu) {
  NetlinkMessage message = named_link_message(RTM_NEWLINK, device);
  message.put(IFLA_MTU, mtu);
  return message;
}

NetlinkMessage set_up(int index) {
  NetlinkMessage message(RTM_NEWLINK, 0);
  ifinfomsg info{};
  info.ifi_index = index;
  info.ifi_flags = IFF_UP;
  info.ifi_change = IFF_UP;
  message.header(info);
  return message;
}

NetlinkMessage delete_link(const std::string& device) {
  return named_link_message(RTM_DELLINK, device);
}

}  // namespace pellicle
