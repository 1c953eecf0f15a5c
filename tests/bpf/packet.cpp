#include "tests/bpf/packet.h"

#include <arpa/inet.h>

#include <algorithm>

#include "tests/harness/catch.h"

namespace pellicle {

namespace {

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
  Bytes header = {static_cast<uint8_t>(packet.version << 4 | packet.ihl), 0};
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

}  // namespace

uint32_t ipv4(const std::string& text) {
  uint32_t address = 0;
  INFO(text);
  REQUIRE(inet_pton(AF_INET, text.c_str(), &address) == 1);
  return address;
}

Bytes frame(const Packet& packet) {
  Bytes bytes(kMacs);
  bytes = readdressed(bytes, packet.to, packet.from);
  for (const uint16_t tag : packet.tags) {
    put16(bytes, 0x8100);
    put16(bytes, tag);
  }
  put16(bytes, packet.ethertype);
  const Bytes header = ipv4_header(packet);
  bytes.insert(bytes.end(), header.begin(), header.end());
  for (size_t i = 0; i < packet.payload; ++i) bytes.push_back(static_cast<uint8_t>(i));
  return bytes;
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
