#include "agent/desired/router_address.h"

#include <set>

namespace pellicle {

std::optional<IpAddress> router_address(const Cidr& pod_cidr,
                                        const std::optional<IpAddress>& on_device,
                                        const std::optional<IpAddress>& published,
                                        const std::vector<Endpoint>& endpoints) {
  if (pod_cidr.family() != Family::v4 || pod_cidr.length() > 30) return std::nullopt;
  const uint64_t network = pod_cidr.address().v4_host_order();
  const uint64_t broadcast = network + (uint64_t{1} << (32 - pod_cidr.length())) - 1;

  std::set<IpAddress> taken;
  for (const auto& endpoint : endpoints) taken.insert(endpoint.address);
  const auto usable = [&](const IpAddress& address) {
    return pod_cidr.contains(address) && address.v4_host_order() != network &&
           address.v4_host_order() != broadcast && !taken.contains(address);
  };

  for (const auto& candidate : {on_device, published}) {
    if (candidate && usable(*candidate)) return candidate;
  }
  for (uint64_t number = network + 1; number < broadcast; ++number) {
    const auto address = IpAddress::v4(static_cast<uint32_t>(number));
    if (!taken.contains(address)) return address;
  }
  return std::nullopt;
}

}  // namespace pellicle
