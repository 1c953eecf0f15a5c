// What only a Node in full says, of the Nodes whose metadata does not say enough.
#pragma once

#include <optional>
#include <vector>

#include "agent/model/node.h"

namespace pellicle {

struct Beyond {
  std::vector<Cidr> pod_cidrs;
  std::optional<IpAddress> internal_ipv4;
  std::optional<IpAddress> internal_ipv6;
  bool silent = false;
  std::vector<Problem> problems;  // of spec and status
  bool operator==(const Beyond&) const = default;
};

inline Beyond beyond(const Node& node) {
  return {.pod_cidrs = node.pod_cidrs,
          .internal_ipv4 = node.internal_ipv4,
          .internal_ipv6 = node.internal_ipv6,
          .silent = node.silent,
          .problems = {}};
}

}  // namespace pellicle
