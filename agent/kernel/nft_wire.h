// Fields that the rules' encoder and decoder share. Pure.
#pragma once

#include <linux/netfilter/nfnetlink.h>

#include <endian.h>

#include <optional>
#include <string_view>
#include <vector>

#include "agent/kernel/netlink_message.h"

namespace pellicle {

inline constexpr size_t kDeviceName = 16;       // IFNAMSIZ
inline constexpr uint32_t kProtocolOffset = 9;  // in IPv4's header

uint32_t address_offset(Family family, bool source);  // in the network header
std::vector<uint8_t> prefix_mask(Family family, uint8_t length);
std::optional<int32_t> verdict_code(std::string_view name);  // of "ACCEPT", "DROP", "RETURN"

// nf_tables' numbers are in network order.
inline void put_be32(NetlinkMessage& message, int attribute, uint32_t value) {
  message.put(attribute, htobe32(value));
}
std::optional<uint32_t> be32(const Attributes& attributes, int attribute);

// A message of nf_tables (NFT_MSG_*) with its header.
NetlinkMessage nft_message(int type, int flags, std::optional<Family> family, size_t room = 1024);

}  // namespace pellicle
