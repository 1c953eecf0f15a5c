// Links and addresses: bytes <-> values. Pure.
#pragma once

#include <optional>
#include <string>

#include "agent/kernel/netlink_message.h"
#include "agent/model/objects.h"

namespace pellicle {

// A network device, from RTM_NEWLINK.
struct Link {
  int index = 0;
  std::string name;
  std::string kind;  // "veth"; empty for hardware
  uint32_t mtu = 0;
  uint32_t flags = 0;             // IFF_*
  uint16_t type = 1;              // ARPHRD_*; 1: Ethernet
  std::optional<int> peer_index;  // IFLA_LINK
  bool peer_in_namespace = true;  // false: peer_index is an index in another namespace
  auto operator<=>(const Link&) const = default;
};

NetlinkMessage link_dump();
std::optional<Link> decode_link(const nlmsghdr& message);

// Creates both ends, both down: a veth cannot be set up before its peer is complete (6.1,
// ENOTCONN). EEXIST when either name is taken.
NetlinkMessage encode_new_veth(const VethPair::Key& key, const VethPair& value);
// Sets MTU, NOARP and up of one end, as in `value`.
NetlinkMessage encode_set_link(int index, const VethPair& value);
NetlinkMessage encode_rename_link(int index, const std::string& name);  // the device must be down
NetlinkMessage encode_delete_link(int index);

// An address, from RTM_NEWADDR; the device is an index.
struct LinkAddress {
  int index = 0;
  IpAddress address;
  Address value;
  bool kernel_made = false;  // IPv6 link-local, or IFA_PROTO is set (from 5.18 on)
  bool lent = false;         // IPv6 with a lifetime: from a router advertisement or DHCP
  // The network that the kernel reaches through the device because of this address; nullopt: only
  // the address itself, or nothing.
  std::optional<Cidr> connected = {};
  auto operator<=>(const LinkAddress&) const = default;
};

bool is_link_local(const IpAddress& address);  // fe80::/10
NetlinkMessage address_dump();
std::optional<LinkAddress> decode_address(const nlmsghdr& message);
NetlinkMessage encode_new_address(int index, const IpAddress& address, const Address& value);
NetlinkMessage encode_delete_address(int index, const IpAddress& address, const Address& value);

}  // namespace pellicle
