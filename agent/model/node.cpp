#include "agent/model/node.h"

namespace pellicle {

std::optional<Cidr> Node::pod_cidr(Family family) const {
  for (const auto& cidr : pod_cidrs) {
    if (cidr.family() == family) return cidr;
  }
  return std::nullopt;
}

std::string Problem::to_string() const {
  return object + (field.empty() ? "" : " " + field) + ": " + sentence;
}

}  // namespace pellicle
