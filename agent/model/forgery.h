// Packets that reached this node with another node's source address.
#pragma once

#include <optional>
#include <string>

#include "agent/model/drop_count.h"
#include "agent/model/ip.h"

namespace pellicle {

enum class ForgeryKind : uint8_t {
  in_esp,          // in a node's ESP, with another node's address: dropped
  clear_dropped,   // in the clear, although the address belongs to a node that encrypts
  clear_observed,  // the same, delivered
};

struct Forgery {
  ForgeryKind kind = ForgeryKind::in_esp;
  std::optional<IpAddress> sender;  // router of the node whose ESP it was; nullopt: unknown
  IpAddress owner;                  // router address of the node that owns the source address
  DropCount count;                  // since the map was pinned
  auto operator<=>(const Forgery&) const = default;
};

}  // namespace pellicle
