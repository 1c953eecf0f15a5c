#include "agent/model/inputs.h"

#include <algorithm>

namespace pellicle {

std::optional<IpAddress> Endpoint::address(Family family) const {
  const auto at = std::find_if(addresses.begin(), addresses.end(),
                               [&](const IpAddress& each) { return each.family() == family; });
  return at == addresses.end() ? std::nullopt : std::optional(*at);
}

}  // namespace pellicle
