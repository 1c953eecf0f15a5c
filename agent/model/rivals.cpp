#include "agent/model/rivals.h"

#include <algorithm>

namespace pellicle {
namespace {

struct Claim {
  Cidr cidr;
  const Node* node;
  bool operator<(const Claim& other) const { return cidr < other.cidr; }
};

std::vector<Claim> claims_of(const std::vector<const Node*>& nodes) {
  std::vector<Claim> claims;
  for (const Node* node : nodes) {
    for (const auto family : kFamilies) {
      if (const auto cidr = node->pod_cidr(family)) claims.push_back({*cidr, node});
      if (const auto& ip = node->internal_ip(family)) claims.push_back({Cidr::host(*ip), node});
    }
  }
  return claims;
}

}  // namespace

// Two networks are disjoint, or one contains the other. In their order a wider one precedes those
// that it contains, so `around` holds the networks that contain the current one.
std::set<std::string> rivals(const std::vector<const Node*>& nodes) {
  auto claims = claims_of(nodes);
  std::sort(claims.begin(), claims.end());
  std::set<std::string> names;
  std::vector<const Claim*> around;
  for (const auto& claim : claims) {
    while (!around.empty() && !around.back()->cidr.overlaps(claim.cidr)) around.pop_back();
    for (const Claim* wider : around) {
      if (wider->node == claim.node) continue;
      names.insert({wider->node->name, claim.node->name});
    }
    around.push_back(&claim);
  }
  return names;
}

}  // namespace pellicle
