// Reads capture files, and finds packets that should not have been on a wire.
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
  uint8_t protocol = 0;  // 1 ICMP, 6 TCP, 17 UDP, 50 ESP; IPv6: first header, or a fragment's
  uint32_t length = 0;   // of the frame as it was on the wire
  std::string frame;     // the captured bytes

  std::string text() const;  // "10.0.1.52 > 10.0.0.249 protocol 1 length 98"
};

// nullopt: not IP, or truncated. `length` is its length on the wire.
std::optional<Packet> packet_of(std::string frame, uint32_t length);

// The IP packets of a capture file (Ethernet, as `tcpdump -w` writes it), and the number of other
// frames. A record truncated at the end (its writer was killed) is left out.
struct PcapFile {
  std::vector<Packet> packets;
  size_t other_frames = 0;
};
PcapFile read_pcap(const std::string& path);  // LabError if it is not such a file

// A node's addresses, as known to an observer of the wire.
struct NodeAddresses {
  Cidr pod_cidr;
  IpAddress router;  // cilium_host's
};

// Packets between addresses in the PodCIDRs of two different nodes that are not ESP between these
// nodes' cilium_host addresses. List a node whose address changes once with each address.
std::vector<Packet> cleartext_between_pods(const std::vector<Packet>& packets,
                                           const std::vector<NodeAddresses>& nodes);

// Packets that contain these bytes, whatever the encapsulation.
std::vector<Packet> packets_with(const std::vector<Packet>& packets, std::string_view bytes);

}  // namespace pellicle::lab
