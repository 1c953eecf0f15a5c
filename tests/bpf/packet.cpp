#include "tests/bpf/packet.h"

#include <arpa/inet.h>

#include <algorithm>
#include <stdexcept>

namespace pellicle {

namespace {

// Throws, because threads of a test make packets too and Catch's assertions are for one thread.
void require(bool holds, const std::string& what) {
  if (!holds) throw std::invalid_argument("a packet of a test: " + what);
}

constexpr size_t kMacs = 12;  // both addresses of an Ethernet header

void put16(Bytes& bytes, size_t value) {
  bytes.push_back(static_cast<uint8_t>(value >> 8));
  bytes.push_back(static_cast<uint8_t>(value));
}

void put_address(Bytes& bytes, const std::string& text) {
  const uint32_t address = ntohl(ipv4(text));
  put16(bytes, address >> 16);
  put16(bytes, address & 0xffff);
}

uint16_t checksum(const Bytes& header) {
  uint32_t sum = 0;
  for (size_t i = 0; i + 1 < header.size(); i += 2) sum += header[i] << 8 | header[i + 1];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

Bytes ipv4_header(const Packet& packet) {
  const size_t size = std::max<size_t>(packet.ihl, 5) * 4;
  const int version = packet.version ? packet.version : 4;
  Bytes header = {static_cast<uint8_t>(version << 4 | packet.ihl), packet.tos};
  put16(header, size + packet.payload);
  put16(header, 0x1234);  // identification
  put16(header, packet.fragment);
  header.insert(header.end(), {64, packet.protocol, 0, 0});
  put_address(header, packet.src);
  put_address(header, packet.dst);
  header.resize(size);
  const uint16_t sum = checksum(header);
  header[10] = static_cast<uint8_t>(sum >> 8);
  header[11] = static_cast<uint8_t>(sum);
  return header;
}

bool is_ipv6(const std::string& text) {
  return text.find(':') != std::string::npos;
}

void put_ipv6(Bytes& bytes, const std::string& text) {
  const auto value = address(text);
  const auto* first = reinterpret_cast<const uint8_t*>(value.words);
  bytes.insert(bytes.end(), first, first + sizeof(value.words));
}

Bytes extension_headers(const Packet& packet) {
  Bytes bytes;
  for (size_t i = 0; i < packet.headers.size(); ++i) {
    const auto& header = packet.headers[i];
    const bool last = i + 1 == packet.headers.size();
    bytes.push_back(last ? packet.protocol : packet.headers[i + 1].type);
    bytes.push_back(header.words);
    put16(bytes, header.fragment);
    bytes.resize(bytes.size() + 4 + header.words * size_t{8});
  }
  return bytes;
}

Bytes ipv6_headers(const Packet& packet) {
  const Bytes behind = extension_headers(packet);
  const int version = packet.version ? packet.version : 6;
  Bytes header = {static_cast<uint8_t>(version << 4 | 0x0a), 0xbc, 0xde, 0xf0};  // class, label
  put16(header, behind.size() + packet.payload);
  header.push_back(packet.headers.empty() ? packet.protocol : packet.headers.front().type);
  header.push_back(64);
  put_ipv6(header, packet.src);
  put_ipv6(header, packet.dst);
  header.insert(header.end(), behind.begin(), behind.end());
  return header;
}

}  // namespace

datapath::ip_address address(const std::string& text) {
  datapath::ip_address value{};
  require(inet_pton(is_ipv6(text) ? AF_INET6 : AF_INET, text.c_str(), &value) == 1, text);
  return value;
}

datapath::ip_address mask(const std::string& address, uint32_t length) {
  datapath::ip_address value{};
  require(length <= (is_ipv6(address) ? 128 : 32), "prefix length " + std::to_string(length));
  auto* bytes = reinterpret_cast<uint8_t*>(value.words);
  for (uint32_t bit = 0; bit < length; ++bit)
    bytes[bit / 8] = static_cast<uint8_t>(bytes[bit / 8] | (0x80U >> (bit % 8)));
  return value;
}

uint32_t ipv4(const std::string& text) {
  uint32_t address = 0;
  require(inet_pton(AF_INET, text.c_str(), &address) == 1, text);
  return address;
}

Bytes frame(const Packet& packet) {
  Bytes bytes(kMacs);
  bytes = readdressed(bytes, packet.to, packet.from);
  for (const uint16_t tag : packet.tags) {
    put16(bytes, 0x8100);
    put16(bytes, tag);
  }
  const bool ipv6 = is_ipv6(packet.src);
  const uint16_t own_type = ipv6 ? 0x86dd : 0x0800;
  put16(bytes, packet.ethertype ? packet.ethertype : own_type);
  const Bytes header = ipv6 ? ipv6_headers(packet) : ipv4_header(packet);
  bytes.insert(bytes.end(), header.begin(), header.end());
  const auto& begins = packet.begins;
  for (size_t i = 0; i < packet.payload; ++i)
    bytes.push_back(i < begins.size() ? begins[i] : static_cast<uint8_t>(i));
  return bytes;
}

Bytes arp(uint16_t operation, const std::string& sender, const std::string& target) {
  Bytes bytes = cut(frame({.ethertype = 0x0806}), kMacs + 2);
  bytes.insert(bytes.end(), {0, 1, 8, 0, 6, 4});
  put16(bytes, operation);
  for (const auto& each : {sender, target}) {
    bytes.insert(bytes.end(), {2, 0, 0, 0, 0, 9});
    put_address(bytes, each);
  }
  return bytes;
}

Packet neighbour_message(uint8_t type, const std::string& src, const std::string& target) {
  Packet packet{.src = src,
                .dst = "ff02::1",
                .protocol = kIcmpv6,
                .payload = 24,
                .begins = {type, 0, 0, 0, 0, 0, 0, 0}};
  put_ipv6(packet.begins, target);
  return packet;
}

Bytes bare(const Packet& packet) {
  const Bytes whole = frame(packet);
  return {whole.begin() + kMacs + 2, whole.end()};
}

Bytes cut(Bytes frame, size_t size) {
  frame.resize(std::min(size, frame.size()));
  return frame;
}

Bytes without_options(Packet packet) {
  packet.ihl = 6;
  packet.payload = 0;
  return cut(frame(packet), 37);
}

Bytes readdressed(Bytes frame, const MacBytes& to, const MacBytes& from) {
  std::copy(to.begin(), to.end(), frame.begin());
  std::copy(from.begin(), from.end(), frame.begin() + 6);
  return frame;
}

}  // namespace pellicle
