// A path to a peer that is narrower than the uplink.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>

#include "agent/model/ip.h"

namespace pellicle {

// A router's report that an ESP packet was too big for its next link.
struct PathReport {
  IpAddress peer;    // destination of the packet: a cilium_host address
  IpAddress router;  // the router that reports
  uint32_t mtu = 0;  // of the link, in bytes, IP header included
  uint32_t spi = 0;  // of the reported packet
  auto operator<=>(const PathReport&) const = default;
};

struct PathMtu {
  uint32_t mtu = 0;  // as in PathReport
  IpAddress router;
  std::chrono::steady_clock::time_point since{};  // CLOCK_MONOTONIC: survives an agent's restart
  auto operator<=>(const PathMtu&) const = default;
};

using PathMtus = std::map<IpAddress, PathMtu>;  // by the peer's cilium_host address

}  // namespace pellicle
