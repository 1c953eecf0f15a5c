// A private network namespace with a node's devices and access to the wire. Tests use it where only
// a real device shows what a program does to a packet.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "bpf/datapath.h"
#include "tests/bpf/packet.h"
#include "tests/bpf/programs.h"

namespace pellicle {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor();
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

// Moves the process into a new network namespace, and back on destruction. The namespace is that of
// node worker: eth0 <-> wire, 172.18.0.3/16; cilium_host <-> cilium_net; lxc <-> pod. MTU 9000, all
// devices up, no IPv6 autoconfiguration.
class Net {
 public:
  Net();
  ~Net();
  Net(const Net&) = delete;
  Net& operator=(const Net&) = delete;
  datapath::datapath_config config() const;  // worker(), with these devices

 private:
  Descriptor before_;
};

void ip(const std::string& arguments);   // runs ip(8); a failure fails the test
void ip6(const std::string& arguments);  // the same with `ip -6`
void set_sysctl(const std::string& path, const std::string& value);  // `path` is below /proc/sys
uint32_t ifindex(const std::string& device);
MacBytes mac(const std::string& device);

// A device without Ethernet header, up; the test holds its other end.
class Tun {
 public:
  explicit Tun(const std::string& device);
  void arrive(const Bytes& packet) const;  // the packet arrives on the device
  // The next packet that left through the device; nullopt after `time`.
  std::optional<Bytes> left(std::chrono::milliseconds time = std::chrono::seconds(10)) const;
  bool silent() const { return !left(std::chrono::milliseconds(100)); }

 private:
  Descriptor file_;
};

// A frame as the kernel delivers it after the device's tc ingress hook.
struct Received {
  Bytes frame;
  uint8_t type = 0;  // PACKET_HOST, PACKET_OTHERHOST...
  uint32_t mark = 0;
};

// A packet socket on a device. It receives incoming frames of its ethertype, after tc ingress.
class Tap {
 public:
  explicit Tap(const std::string& device, uint16_t ethertype = 0x0800);
  void send(const Bytes& frame, uint32_t mark = 0) const;
  // The next frame that is not IPv6 multicast; nullopt after `time`.
  std::optional<Received> receive(std::chrono::milliseconds time = std::chrono::seconds(10)) const;
  bool silent() const { return !receive(std::chrono::milliseconds(100)); }

 private:
  Received read_frame() const;

  Descriptor socket_;
};

}  // namespace pellicle
