// Pings that go on while something is done to the nodes, and the ESP packets they become.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/harness/lab/pcap.h"
#include "tests/harness/lab/process.h"

namespace pellicle::lab {

// `ping -i <interval>` from a pod to an address, until end(). Seconds.
class PingStream {
 public:
  PingStream(const std::string& pod, const std::string& address, double interval = 0.01);

  // Waits for this many more answers; false when they do not come within `limit`.
  bool goes_on(size_t answers = 20, Seconds limit = 10s);

  // Waits for a last answer, then ends it. The pings before that answer that have none: "net >
  // 10.0.0.249: 3 of 1200 lost: 17 18 19". Empty: none was lost.
  std::string end();

 private:
  std::set<size_t> answered() const;
  std::string name_;
  Process ping_;
};

// Outer source and destination, SPI.
struct EspTunnel {
  IpAddress src;
  IpAddress dst;
  uint32_t spi = 0;
  auto operator<=>(const EspTunnel&) const = default;
};

// The sequence numbers of ESP by tunnel, each with how often it was on a cable. A packet from one
// node to another is on two.
using EspNumbers = std::map<EspTunnel, std::map<uint32_t, size_t>>;
EspNumbers esp_numbers(const std::vector<Packet>& wire);

// Tunnels in which a number was used twice (the state began anew, and AES-GCM's nonce with it) or
// left out. One sentence each.
std::vector<std::string> esp_numbers_astray(const std::vector<Packet>& wire);

}  // namespace pellicle::lab
