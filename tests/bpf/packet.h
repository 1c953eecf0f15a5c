// Builds the frames that the tests send. A test sets only the fields that matter to it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "bpf/datapath.h"

namespace pellicle {

using Bytes = std::vector<uint8_t>;
using MacBytes = std::array<uint8_t, 6>;

uint32_t ipv4(const std::string& text);  // network order; an invalid address fails the test

// Of either family, in the format of the programs' maps.
datapath::ip_address address(const std::string& text);
datapath::ip_address mask(const std::string& address, uint32_t length);  // of the same family

// An extension header between the IPv6 header and the payload's protocol.
struct Header {
  uint8_t type = 0;
  uint8_t words = 0;      // its length in units of 8 bytes, not counting the first 8
  uint16_t fragment = 0;  // of a fragment header: offset and flag, as on the wire
};

// A frame with an IPv4 packet, or an IPv6 packet if `src` is an IPv6 address. frame() fills in
// lengths and the header checksum.
struct Packet {
  std::string src = "10.0.1.52";
  std::string dst = "10.0.0.249";
  uint8_t protocol = 17;               // IPPROTO_*
  uint16_t fragment = 0;               // flags and offset, as on the wire
  size_t payload = 64;                 // bytes after the headers: 0, 1, 2...
  std::vector<uint8_t> begins = {};    // replaces the first bytes of the payload
  uint8_t version = 0;                 // 0: the right one; any other makes the packet malformed
  uint8_t ihl = 5;                     // header length in words; options are zeroes
  MacBytes to = {};                    // the loopback device's address
  MacBytes from = {2, 0, 0, 0, 0, 9};  // no device's address
  std::vector<uint16_t> tags = {};     // VLAN ids, outermost first
  uint16_t ethertype = 0;              // 0: the right one
  std::vector<Header> headers = {};    // of IPv6
  uint8_t tos = 0;                     // of IPv4; IPv6's traffic class is always 0xab
};

Bytes frame(const Packet& packet);

// An ARP frame for IPv4 on Ethernet. `operation`: 1 is a request, 2 a reply.
Bytes arp(uint16_t operation, const std::string& sender, const std::string& target);

// A neighbour advertisement (type 136), or another ICMPv6 message with the same layout.
Packet neighbour_message(uint8_t type, const std::string& src, const std::string& target);

// The packet without Ethernet header, as on a device that has none.
Bytes bare(const Packet& packet);

// The first `size` bytes: a truncated frame.
Bytes cut(Bytes frame, size_t size);

// `packet` with an IHL that announces options beyond its end. (BPF_PROG_TEST_RUN itself refuses an
// IPv4 header below 20 bytes, seen on 6.1.176; such packets go through real devices.)
Bytes without_options(Packet packet);

// `frame` with other addresses in its Ethernet header.
Bytes readdressed(Bytes frame, const MacBytes& to, const MacBytes& from);

inline constexpr uint8_t kEsp = 50;
inline constexpr uint8_t kIcmpv6 = 58;

}  // namespace pellicle
