// Hand-made frames and packets, as a pod with CAP_NET_RAW, a host on the wire or a compromised node
// sends them.
#pragma once

#include <linux/if_packet.h>
#include <net/ethernet.h>

#include "agent/model/ip.h"
#include "tests/bpf/packet.h"
#include "tests/datapath/pod_socket.h"

namespace pellicle::lab {

// A socket in /run/netns/<netns>, or in the guest's root namespace if that is empty.
inline FileDescriptor raw_socket_in(const std::string& netns, int family, int protocol,
                                    const std::string& device = "") {
  FileDescriptor made;
  std::thread([&] {
    const std::string path = netns.empty() ? "/proc/self/ns/net" : "/run/netns/" + netns;
    const FileDescriptor there(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!there || setns(there.get(), CLONE_NEWNET) != 0) return;
    FileDescriptor opened(socket(family, SOCK_RAW | SOCK_CLOEXEC, protocol));
    sockaddr_ll at{};
    at.sll_family = AF_PACKET;
    at.sll_ifindex = static_cast<int>(if_nametoindex(device.c_str()));
    const bool bound = family != AF_PACKET ||
                       bind(opened.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
    if (opened && bound) made = std::move(opened);
  }).join();
  if (!made) throw LabError("no raw socket in " + netns + " on " + device);
  return made;
}

// Sends frames through a device.
class RawDevice {
 public:
  RawDevice(const std::string& netns, const std::string& device)
      : socket_(raw_socket_in(netns, AF_PACKET, 0, device)) {}
  void send(const Bytes& frame) const {
    if (::send(socket_.get(), frame.data(), frame.size(), 0) < 0)
      throw LabError(std::string("send a frame: ") + std::strerror(errno));
  }

 private:
  FileDescriptor socket_;
};

// Sends a packet of either family from a node itself, subject to the node's routes and policies.
// Its rules and policies see `mark`.
inline void send_from_node(const std::string& node, const pellicle::Packet& packet,
                           uint32_t mark = 0) {
  const bool ipv4 = packet.src.find(':') == std::string::npos;
  const auto socket = raw_socket_in(node, ipv4 ? AF_INET : AF_INET6, IPPROTO_RAW);
  sockaddr_in6 to_v6{};
  to_v6.sin6_family = AF_INET6;
  if (!ipv4) inet_pton(AF_INET6, packet.dst.c_str(), &to_v6.sin6_addr);
  const sockaddr_in to_v4 = ipv4 ? udp_address(packet.dst, 0) : sockaddr_in{};
  const auto* to =
      ipv4 ? reinterpret_cast<const sockaddr*>(&to_v4) : reinterpret_cast<const sockaddr*>(&to_v6);
  const Bytes bytes = bare(packet);
  if (setsockopt(socket.get(), SOL_SOCKET, SO_MARK, &mark, sizeof mark) != 0 ||
      sendto(socket.get(), bytes.data(), bytes.size(), 0, to, ipv4 ? sizeof to_v4 : sizeof to_v6) <
          0)
    throw LabError(std::string("send a packet: ") + std::strerror(errno));
}

// A UDP datagram, or the same bytes under another protocol, that contains this text.
inline pellicle::Packet with_text(const std::string& src, const std::string& dst,
                                  const std::string& text, uint8_t protocol = IPPROTO_UDP) {
  const auto length = static_cast<uint8_t>(8 + text.size());
  pellicle::Packet packet{.src = src,
                          .dst = dst,
                          .protocol = protocol,
                          .payload = length,
                          .begins = {0x11, 0x94, 0x11, 0x94, 0, length, 0, 0}};  // ports 4500
  packet.begins.insert(packet.begins.end(), text.begin(), text.end());
  return packet;
}

// The checksum of RFC 1071 over the two addresses, the protocol, the length and the bytes.
inline uint16_t tcp_checksum(const std::string& src, const std::string& dst, const Bytes& segment) {
  uint32_t sum = IPPROTO_TCP + static_cast<uint32_t>(segment.size());
  const auto add = [&](const uint8_t* bytes, size_t size) {
    for (size_t i = 0; i < size; ++i)
      sum += i % 2 == 0 ? static_cast<uint32_t>(bytes[i] << 8) : bytes[i];
  };
  for (const std::string& each : {src, dst}) {
    const auto parsed = IpAddress::parse(each).value();
    add(parsed.data(), parsed.size());
  }
  add(segment.data(), segment.size());
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

// The first segment of a connection to this port, with this text in it: kube-proxy takes it for a
// client's.
inline pellicle::Packet syn_with_text(const std::string& src, const std::string& dst,
                                      uint16_t src_port, uint16_t dst_port,
                                      const std::string& text) {
  Bytes segment = {0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x02, 0x20, 0, 0, 0, 0, 0};
  const auto put16 = [&](size_t at, uint16_t value) {
    segment[at] = static_cast<uint8_t>(value >> 8);
    segment[at + 1] = static_cast<uint8_t>(value);
  };
  put16(0, src_port);
  put16(2, dst_port);
  segment.insert(segment.end(), text.begin(), text.end());
  put16(16, tcp_checksum(src, dst, segment));
  return {.src = src,
          .dst = dst,
          .protocol = IPPROTO_TCP,
          .payload = segment.size(),
          .begins = segment};
}

inline MacBytes mac_bytes(const std::string& text) {
  return Mac::parse(text).value().bytes;
}

}  // namespace pellicle::lab
