// What an eBPF program did with one packet, as reported to a listener.
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
  std::string reason;               // of `dropped`, named as in the status
  uint16_t ethertype = 0;           // if the frame still contains VLAN tags, that of the first
  std::optional<IpAddress> source;  // both or neither: not IP, or unreadable header
  std::optional<IpAddress> destination;
  std::optional<uint8_t> protocol;  // IPPROTO_*; nullopt: cannot be determined
  std::optional<Ports> ports;       // of TCP, UDP, SCTP; not in later fragments
  uint32_t length = 0;              // of the frame, in bytes
  std::optional<uint8_t> key_id;    // the key it is, or was, encrypted with
  std::optional<uint32_t> spi;      // of ESP; not in later fragments
  std::string device;               // the program's; for `delivered` the pod's; "#17" if it is gone
};

}  // namespace pellicle
