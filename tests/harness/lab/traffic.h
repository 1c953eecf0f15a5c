// Pings that continue while a test changes the nodes, and the ESP packets that carry them.
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

// `ping -i <interval>` (in seconds) from a pod to an address, until end().
class PingStream {
 public:
  PingStream(const std::string& pod, const std::string& address, double interval = 0.01);

  // Waits for this many more answers; false if they do not arrive within `limit`.
  bool goes_on(size_t answers = 20, Seconds limit = 10s);

  // Waits for one more answer, then stops the ping. Reports the earlier pings without an answer:
  // "net > 10.0.0.249: 3 of 1200 lost: 17 18 19". Empty: none was lost.
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

// ESP sequence numbers by tunnel, with how often each was seen on a cable. A packet between two
// nodes is seen on two cables.
using EspNumbers = std::map<EspTunnel, std::map<uint32_t, size_t>>;
EspNumbers esp_numbers(const std::vector<Packet>& wire);

// Tunnels in which a number was used twice (the state started again, and AES-GCM's nonces with it)
// or left out. One sentence each.
std::vector<std::string> esp_numbers_astray(const std::vector<Packet>& wire);

}  // namespace pellicle::lab
