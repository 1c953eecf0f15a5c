// Builds the frames the tests send: a Packet says only what matters to a case.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace pellicle {

using Bytes = std::vector<uint8_t>;
using MacBytes = std::array<uint8_t, 6>;

uint32_t ipv4(const std::string& text);  // network order; an invalid address fails the test

// A frame that begins with an IPv4 packet. Lengths and the header's checksum are filled in.
struct Packet {
  std::string src = "10.0.1.52";
  std::string dst = "10.0.0.249";
  uint8_t protocol = 17;               // IPPROTO_*
  uint16_t fragment = 0;               // flags and offset, as in the header
  size_t payload = 64;                 // bytes after the IPv4 header
  uint8_t version = 4;                 // a wrong one makes a malformed packet
  uint8_t ihl = 5;                     // header length in words; options are zeroes
  MacBytes to = {};                    // the loopback device's own address
  MacBytes from = {2, 0, 0, 0, 0, 9};  // nobody's
  std::vector<uint16_t> tags = {};     // VLAN ids, outermost first
  uint16_t ethertype = 0x0800;
};

Bytes frame(const Packet& packet);

// The first `size` bytes: what is left of a frame that was cut short.
Bytes cut(Bytes frame, size_t size);

// `packet` with options announced that are not all there. (Less than 20 bytes of IPv4 header are
// refused by BPF_PROG_TEST_RUN itself, 6.1.176: those go through real devices.)
Bytes without_options(Packet packet);

// `frame` with other addresses in its Ethernet header.
Bytes readdressed(Bytes frame, const MacBytes& to, const MacBytes& from);

inline constexpr uint8_t kEsp = 50;

}  // namespace pellicle
