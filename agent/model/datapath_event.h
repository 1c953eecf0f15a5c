// What an eBPF program did with one packet, as it is told to who listens.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "agent/model/ip.h"

namespace pellicle {

// In the order in which an encrypted packet meets them.
enum class EventKind : uint8_t { marked, encrypted, received, decrypted, delivered, dropped };
inline constexpr std::array kEventKinds = {"marked",    "encrypted", "received",
                                           "decrypted", "delivered", "dropped"};

struct DatapathEvent {
  struct Ports {
    uint16_t source = 0;
    uint16_t destination = 0;
    bool operator==(const Ports&) const = default;
  };
  std::chrono::system_clock::time_point time;
  EventKind kind = EventKind::marked;
  std::string reason;               // of `dropped`, as the status counts it
  uint16_t ethertype = 0;           // in a frame with tags of its own the first one's
  std::optional<IpAddress> source;  // both or neither: not IP, or its header cannot be read
  std::optional<IpAddress> destination;
  std::optional<uint8_t> protocol;  // IPPROTO_*; none: cannot be told
  std::optional<Ports> ports;       // of TCP, UDP, SCTP, but of a fragment that is not the first
  uint32_t length = 0;              // of the frame, in bytes
  std::optional<uint8_t> key_id;    // it is, or was, encrypted with
  std::optional<uint32_t> spi;      // of ESP, but of a fragment that is not the first
  std::string device;  // the program's; of `delivered` the pod's; "#17" when it has gone since
};

}  // namespace pellicle
