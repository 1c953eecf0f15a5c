// The path to a peer where it is narrower than the uplink.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>

#include "agent/model/ip.h"

namespace pellicle {

// A router's word that a packet of ESP was too big for its next link.
struct PathReport {
  IpAddress peer;    // whom the packet was for: a cilium_host address
  IpAddress router;  // who says so
  uint32_t mtu = 0;  // of the link, in bytes, IP header included
  uint32_t spi = 0;  // of the packet
  auto operator<=>(const PathReport&) const = default;
};

struct PathMtu {
  uint32_t mtu = 0;  // as in PathReport
  IpAddress router;
  std::chrono::steady_clock::time_point since{};  // CLOCK_MONOTONIC: an agent's restart keeps it
  auto operator<=>(const PathMtu&) const = default;
};

using PathMtus = std::map<IpAddress, PathMtu>;  // by the peer's cilium_host address

}  // namespace pellicle
