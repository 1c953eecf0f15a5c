// Frames and packets made by hand, as a pod with CAP_NET_RAW, a host on the wire or a stolen node
// sends them.
#pragma once

#include <linux/if_packet.h>
#include <net/ethernet.h>

#include "agent/model/ip.h"
#include "tests/bpf/packet.h"
#include "tests/datapath/pod_socket.h"

namespace pellicle::lab {

// A socket made in /run/netns/<netns>, or in the guest's root namespace where that is empty.
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

// What leaves by a device, frame by frame.
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

// IPv4 packets that a node itself sends, by its own routes and policies.
inline void send_from_node(const std::string& node, const pellicle::Packet& packet) {
  const auto socket = raw_socket_in(node, AF_INET, IPPROTO_RAW);
  const auto to = udp_address(packet.dst, 0);
  const Bytes bytes = bare(packet);
  if (sendto(socket.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&to),
             sizeof to) < 0)
    throw LabError(std::string("send a packet: ") + std::strerror(errno));
}

// A UDP datagram, or what another protocol makes of its bytes, with this text in it.
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

inline MacBytes mac_bytes(const std::string& text) {
  return Mac::parse(text).value().bytes;
}

}  // namespace pellicle::lab
