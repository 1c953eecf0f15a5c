#include "tests/harness/lab/pcap.h"

#include <algorithm>
#include <cstring>

#include "tests/harness/lab/shell.h"

namespace pellicle::lab {

namespace {

constexpr size_t kFileHeader = 24;
constexpr size_t kRecordHeader = 16;
constexpr size_t kEthernet = 14;
constexpr uint32_t kMagicMicroseconds = 0xa1b2c3d4;  // in the writer's byte order, which is ours
constexpr uint32_t kLinkEthernet = 1;
constexpr uint8_t kEsp = 50;
constexpr uint8_t kFragmentHeader = 44;

uint32_t word_at(const std::string& bytes, size_t offset) {
  uint32_t word = 0;
  std::memcpy(&word, bytes.data() + offset, sizeof word);
  return word;
}

uint8_t byte_at(const std::string& bytes, size_t offset) {
  return static_cast<uint8_t>(bytes[offset]);
}

bool is_ipv4(const std::string& frame) {
  return frame.size() >= kEthernet + 20 && byte_at(frame, 12) == 0x08 && byte_at(frame, 13) == 0 &&
         byte_at(frame, kEthernet) >> 4 == 4;
}

bool is_ipv6(const std::string& frame) {
  return frame.size() >= kEthernet + 40 && byte_at(frame, 12) == 0x86 &&
         byte_at(frame, 13) == 0xdd && byte_at(frame, kEthernet) >> 4 == 6;
}

IpAddress address_at(const std::string& frame, Family family, size_t offset) {
  return {family, reinterpret_cast<const uint8_t*>(frame.data()) + kEthernet + offset};
}

const NodeAddresses* node_of(const IpAddress& address, const std::vector<NodeAddresses>& nodes) {
  const auto found = std::find_if(nodes.begin(), nodes.end(), [&](const NodeAddresses& node) {
    return node.pod_cidr.contains(address);
  });
  return found == nodes.end() ? nullptr : &*found;
}

bool is_router(const IpAddress& address, const std::vector<NodeAddresses>& nodes) {
  return std::any_of(nodes.begin(), nodes.end(),
                     [&](const NodeAddresses& node) { return node.router == address; });
}

// For an IPv6 fragment, the protocol that the packet carries.
uint8_t protocol_at(const std::string& frame, bool ipv6) {
  if (!ipv6) return byte_at(frame, kEthernet + 9);
  const auto next = byte_at(frame, kEthernet + 6);
  return next == kFragmentHeader && frame.size() > kEthernet + 40 ? byte_at(frame, kEthernet + 40)
                                                                  : next;
}

}  // namespace

std::string Packet::text() const {
  return src.to_string() + " > " + dst.to_string() + " protocol " + std::to_string(protocol) +
         " length " + std::to_string(length);
}

std::optional<Packet> packet_of(std::string frame, uint32_t length) {
  const bool ipv6 = is_ipv6(frame);
  if (!ipv6 && !is_ipv4(frame)) return std::nullopt;
  const auto family = ipv6 ? Family::v6 : Family::v4;
  return Packet{.src = address_at(frame, family, ipv6 ? 8 : 12),
                .dst = address_at(frame, family, ipv6 ? 24 : 16),
                .protocol = protocol_at(frame, ipv6),
                .length = length,
                .frame = std::move(frame)};
}

PcapFile read_pcap(const std::string& path) {
  const std::string bytes = file_text(path);
  if (bytes.size() < kFileHeader || word_at(bytes, 0) != kMagicMicroseconds ||
      word_at(bytes, 20) != kLinkEthernet) {
    throw LabError(path + " is not a capture of Ethernet frames");
  }
  PcapFile file;
  for (size_t at = kFileHeader; at + kRecordHeader <= bytes.size();) {
    const uint32_t kept = word_at(bytes, at + 8);
    const uint32_t length = word_at(bytes, at + 12);
    at += kRecordHeader;
    if (at + kept > bytes.size()) break;
    std::string frame = bytes.substr(at, kept);
    at += kept;
    if (auto packet = packet_of(std::move(frame), length)) {
      file.packets.push_back(std::move(*packet));
    } else {
      ++file.other_frames;
    }
  }
  return file;
}

std::vector<Packet> cleartext_between_pods(const std::vector<Packet>& packets,
                                           const std::vector<NodeAddresses>& nodes) {
  std::vector<Packet> found;
  for (const Packet& packet : packets) {
    const NodeAddresses* from = node_of(packet.src, nodes);
    const NodeAddresses* to = node_of(packet.dst, nodes);
    if (from == nullptr || to == nullptr || from == to) continue;
    if (packet.protocol == kEsp && is_router(packet.src, nodes) && is_router(packet.dst, nodes)) {
      continue;
    }
    found.push_back(packet);
  }
  return found;
}

std::vector<Packet> packets_with(const std::vector<Packet>& packets, std::string_view bytes) {
  std::vector<Packet> found;
  std::copy_if(packets.begin(), packets.end(), std::back_inserter(found),
               [&](const Packet& packet) { return packet.frame.find(bytes) != packet.frame.npos; });
  return found;
}

}  // namespace pellicle::lab
