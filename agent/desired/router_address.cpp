#include "agent/desired/router_address.h"

#include <set>

#include "agent/model/address_pool.h"

namespace pellicle {

std::optional<IpAddress> router_address(const Cidr& pod_cidr,
                                        const std::optional<IpAddress>& on_device,
                                        const std::optional<IpAddress>& published,
                                        const std::vector<Endpoint>& endpoints) {
  const AddressPool pool(pod_cidr);
  std::set<IpAddress> taken;
  for (const auto& endpoint : endpoints) {
    taken.insert(endpoint.addresses.begin(), endpoint.addresses.end());
  }
  for (const auto& candidate : {on_device, published}) {
    if (candidate && pool.usable(*candidate) && !taken.contains(*candidate)) return candidate;
  }
  return pool.first_free(taken);
}

}  // namespace pellicle
