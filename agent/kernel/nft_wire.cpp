#include "agent/kernel/nft_wire.h"

#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <cstddef>

namespace pellicle {

static_assert(kProtocolOffset == offsetof(iphdr, protocol));

uint32_t address_offset(Family family, bool source) {
  if (family == Family::v4) return source ? offsetof(iphdr, saddr) : offsetof(iphdr, daddr);
  return source ? offsetof(ip6_hdr, ip6_src) : offsetof(ip6_hdr, ip6_dst);
}

std::vector<uint8_t> prefix_mask(Family family, uint8_t length) {
  std::vector<uint8_t> mask(IpAddress::any(family).size());
  for (size_t bit = 0; bit < length; ++bit) mask[bit / 8] |= static_cast<uint8_t>(0x80 >> bit % 8);
  return mask;
}

std::optional<int32_t> verdict_code(std::string_view name) {
  if (name == "ACCEPT") return NF_ACCEPT;
  if (name == "DROP") return NF_DROP;
  if (name == "RETURN") return NFT_RETURN;
  return std::nullopt;
}

std::optional<uint32_t> be32(const Attributes& attributes, int attribute) {
  const auto value = attributes.value<uint32_t>(attribute);
  return value ? std::optional(be32toh(*value)) : std::nullopt;
}

NetlinkMessage nft_message(int type, int flags, std::optional<Family> family, size_t room) {
  NetlinkMessage message(NFNL_SUBSYS_NFTABLES << 8 | type, flags, room);
  // NFPROTO_* are AF_*.
  const auto number = static_cast<uint8_t>(family ? address_family(*family) : AF_UNSPEC);
  message.header(nfgenmsg{.nfgen_family = number, .version = NFNETLINK_V0, .res_id = 0});
  return message;
}

}  // namespace pellicle
