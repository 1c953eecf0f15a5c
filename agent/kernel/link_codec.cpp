#include "agent/kernel/link_codec.h"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>

namespace pellicle {

namespace {

ifinfomsg flags_of(const VethPair& value) {
  ifinfomsg info{};
  if (value.noarp) info.ifi_flags |= IFF_NOARP;
  if (value.up) info.ifi_flags |= IFF_UP;
  info.ifi_change = IFF_NOARP | IFF_UP;
  return info;
}

NetlinkMessage address_message(int type, int flags, int index, const IpAddress& address,
                               const Address& value) {
  NetlinkMessage message(type, flags);
  ifaddrmsg info{};
  info.ifa_family = static_cast<uint8_t>(address_family(address.family()));
  info.ifa_prefixlen = value.prefix_length;
  info.ifa_scope = value.scope_link ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  info.ifa_index = static_cast<uint32_t>(index);
  message.header(info);
  message.put_address(IFA_LOCAL, address);
  message.put_address(IFA_ADDRESS, address);
  return message;
}

}  // namespace

bool is_link_local(const IpAddress& address) {
  return address.family() == Family::v6 && address.data()[0] == 0xfe &&
         (address.data()[1] & 0xc0) == 0x80;
}

NetlinkMessage link_dump() {
  NetlinkMessage message(RTM_GETLINK, 0);
  message.header(ifinfomsg{});
  message.put<uint32_t>(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  return message;
}

std::optional<Link> decode_link(const nlmsghdr& message) {
  const auto info = header_of<ifinfomsg>(message);
  if (message.nlmsg_type != RTM_NEWLINK || !info) return std::nullopt;
  const Attributes attributes(message, sizeof(ifinfomsg));
  Link link;
  link.index = info->ifi_index;
  link.flags = info->ifi_flags;
  link.type = info->ifi_type;
  link.name = attributes.text(IFLA_IFNAME);
  link.mtu = attributes.value<uint32_t>(IFLA_MTU).value_or(0);
  link.kind = Attributes(attributes.raw(IFLA_LINKINFO)).text(IFLA_INFO_KIND);
  link.peer_index = attributes.value<int>(IFLA_LINK);
  link.peer_in_namespace = !attributes.has(IFLA_LINK_NETNSID);
  return link;
}

NetlinkMessage encode_new_veth(const VethPair::Key& key, const VethPair& value) {
  NetlinkMessage message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  VethPair down = value;
  down.up = false;
  message.header(flags_of(down));
  message.put_text(IFLA_IFNAME, key.name);
  message.put(IFLA_MTU, value.mtu);
  auto* const link_info = message.begin_nest(IFLA_LINKINFO);
  message.put_text(IFLA_INFO_KIND, "veth");
  auto* const data = message.begin_nest(IFLA_INFO_DATA);
  auto* const peer = message.begin_nest(VETH_INFO_PEER);
  message.header(flags_of(down));
  message.put_text(IFLA_IFNAME, value.peer);
  message.put(IFLA_MTU, value.mtu);
  message.end_nest(peer);
  message.end_nest(data);
  message.end_nest(link_info);
  return message;
}

NetlinkMessage encode_set_link(int index, const VethPair& value) {
  NetlinkMessage message(RTM_NEWLINK, 0);
  auto info = flags_of(value);
  info.ifi_index = index;
  message.header(info);
  message.put(IFLA_MTU, value.mtu);
  return message;
}

NetlinkMessage encode_rename_link(int index, const std::string& name) {
  NetlinkMessage message(RTM_NEWLINK, 0);
  ifinfomsg info{};
  info.ifi_index = index;
  message.header(info);
  message.put_text(IFLA_IFNAME, name);
  return message;
}

NetlinkMessage encode_delete_link(int index) {
  NetlinkMessage message(RTM_DELLINK, 0);
  ifinfomsg info{};
  info.ifi_index = index;
  message.header(info);
  return message;
}

NetlinkMessage address_dump() {
  NetlinkMessage message(RTM_GETADDR, 0);
  message.header(ifaddrmsg{});
  return message;
}

std::optional<LinkAddress> decode_address(const nlmsghdr& message) {
  const auto info = header_of<ifaddrmsg>(message);
  if (message.nlmsg_type != RTM_NEWADDR || !info) return std::nullopt;
  const auto family = family_of(info->ifa_family);
  if (!family) return std::nullopt;
  const Attributes attributes(message, sizeof(ifaddrmsg));
  auto address = attributes.address(IFA_LOCAL, *family);
  if (!address) address = attributes.address(IFA_ADDRESS, *family);
  if (!address) return std::nullopt;
  LinkAddress result;
  result.index = static_cast<int>(info->ifa_index);
  result.address = *address;
  result.value = {info->ifa_prefixlen, info->ifa_scope == RT_SCOPE_LINK};
  result.kernel_made =
      is_link_local(*address) || attributes.value<uint8_t>(IFA_PROTO).value_or(0) != 0;
  // On a point-to-point device IFA_ADDRESS is the other end's address, and the network is its.
  const Cidr network(attributes.address(IFA_ADDRESS, *family).value_or(*address),
                     info->ifa_prefixlen);
  const bool routed =
      (attributes.value<uint32_t>(IFA_FLAGS).value_or(0) & IFA_F_NOPREFIXROUTE) == 0;
  if (routed && network != Cidr::host(*address)) result.connected = network;
  result.lent = *family == Family::v6 && !(info->ifa_flags & IFA_F_PERMANENT);
  return result;
}

NetlinkMessage encode_new_address(int index, const IpAddress& address, const Address& value) {
  return address_message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, index, address, value);
}

NetlinkMessage encode_delete_address(int index, const IpAddress& address, const Address& value) {
  return address_message(RTM_DELADDR, 0, index, address, value);
}

}  // namespace pellicle
