// Packets that came to this node in the name of another.
#pragma once

#include <optional>
#include <string>

#include "agent/model/drop_count.h"
#include "agent/model/ip.h"

namespace pellicle {

enum class ForgeryKind : uint8_t {
  in_esp,          // inside a node's ESP, with another node's address: dropped
  clear_dropped,   // in the clear, although the address is a node's that encrypts
  clear_observed,  // the same, and let in
};

struct Forgery {
  ForgeryKind kind = ForgeryKind::in_esp;
  std::optional<IpAddress> sender;  // router address of the node whose ESP it was; none: of no one
  IpAddress owner;                  // router address of the node whose address it had
  DropCount count;                  // since the map was pinned
  auto operator<=>(const Forgery&) const = default;
};

}  // namespace pellicle
