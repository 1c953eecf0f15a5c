// Reading capture files: what was on a wire, and whether anything of it should not have been.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/model/ip.h"

namespace pellicle::lab {

// An Ethernet frame that carries IP.
struct Packet {
  IpAddress src;
  IpAddress dst;
  uint8_t protocol = 0;  // 1 ICMP, 6 TCP, 17 UDP, 50 ESP; of IPv6 what the first header says, or
                         // the one of a fragment
  uint32_t length = 0;   // of the frame as it was on the wire
  std::string frame;     // the bytes that were kept of it

  std::string text() const;  // "10.0.1.52 > 10.0.0.249 protocol 1 length 98"
};

// None: it carries no IP, or too little of it is there. `length` is what it was on the wire.
std::optional<Packet> packet_of(std::string frame, uint32_t length);

// The IP packets of a capture file (Ethernet, as `tcpdump -w` writes it), and how many other
// frames it holds. A record that is cut off at the end (its writer was killed) is left out.
struct PcapFile {
  std::vector<Packet> packets;
  size_t other_frames = 0;
};
PcapFile read_pcap(const std::string& path);  // LabError when it is no such file

// What the cluster looks like to somebody who reads the wire.
struct NodeAddresses {
  Cidr pod_cidr;
  IpAddress router;  // cilium_host's
};

// Packets between addresses in the PodCIDRs of two different nodes that are not ESP between these
// nodes' cilium_host addresses. A node whose address changes is there once with each.
std::vector<Packet> cleartext_between_pods(const std::vector<Packet>& packets,
                                           const std::vector<NodeAddresses>& nodes);

// Packets with these bytes anywhere in them, whatever they are wrapped in.
std::vector<Packet> packets_with(const std::vector<Packet>& packets, std::string_view bytes);

}  // namespace pellicle::lab
