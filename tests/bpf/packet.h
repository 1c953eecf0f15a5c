// Builds the frames the tests send: a Packet says only what matters to a case.
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

// Of either family, as the programs' maps have it.
datapath::ip_address address(const std::string& text);
datapath::ip_address mask(const std::string& address, uint32_t length);  // of the address' family

// One of the headers that may stand between IPv6's own and what the packet carries.
struct Header {
  uint8_t type = 0;
  uint8_t words = 0;      // its length: 8 bytes, and as often 8 more
  uint16_t fragment = 0;  // of a fragment header: offset and flag, as in the header
};

// A frame that begins with an IPv4 packet, or with an IPv6 one where `src` is such an address.
// Lengths and the header's checksum are filled in.
struct Packet {
  std::string src = "10.0.1.52";
  std::string dst = "10.0.0.249";
  uint8_t protocol = 17;               // IPPROTO_*
  uint16_t fragment = 0;               // flags and offset, as in the header
  size_t payload = 64;                 // bytes after the headers: 0, 1, 2...
  std::vector<uint8_t> begins = {};    // others in place of the first of them
  uint8_t version = 0;                 // 0: the right one; a wrong one makes a malformed packet
  uint8_t ihl = 5;                     // header length in words; options are zeroes
  MacBytes to = {};                    // the loopback device's own address
  MacBytes from = {2, 0, 0, 0, 0, 9};  // no device's
  std::vector<uint16_t> tags = {};     // VLAN ids, outermost first
  uint16_t ethertype = 0;              // 0: the right one
  std::vector<Header> headers = {};    // of IPv6
  uint8_t tos = 0;                     // of IPv4; IPv6's class is always 0xab
};

Bytes frame(const Packet& packet);

// An ARP frame for IPv4 on Ethernet: `operation` 1 asks, 2 answers.
Bytes arp(uint16_t operation, const std::string& sender, const std::string& target);

// A neighbour advertisement (type 136), or another message that begins like it.
Packet neighbour_message(uint8_t type, const std::string& src, const std::string& target);

// The same without Ethernet header, as on a device that has none.
Bytes bare(const Packet& packet);

// The first `size` bytes: what is left of a frame that was cut short.
Bytes cut(Bytes frame, size_t size);

// `packet` with options announced that are not all there. (Less than 20 bytes of IPv4 header are
// refused by BPF_PROG_TEST_RUN itself, 6.1.176: those go through real devices.)
Bytes without_options(Packet packet);

// `frame` with other addresses in its Ethernet header.
Bytes readdressed(Bytes frame, const MacBytes& to, const MacBytes& from);

inline constexpr uint8_t kEsp = 50;
inline constexpr uint8_t kIcmpv6 = 58;

}  // namespace pellicle
