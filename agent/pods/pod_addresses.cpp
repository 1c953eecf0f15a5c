#include "agent/pods/pod_addresses.h"

#include <algorithm>
#include <optional>
#include <set>

#include "agent/model/address_pool.h"
#include "agent/socket/request_error.h"

namespace pellicle {

namespace {

std::set<IpAddress> pods_and_routers(const PodNetwork& network, const Endpoints& endpoints) {
  std::set<IpAddress> taken;
  for (const auto& pool : network.pools) taken.insert(pool.gateway);
  for (const auto& endpoint : endpoints.all()) {
    taken.insert(endpoint.addresses.begin(), endpoint.addresses.end());
  }
  return taken;
}

std::set<IpAddress> all_taken(const PodNetwork& network, const Endpoints& endpoints) {
  auto taken = pods_and_routers(network, endpoints);
  taken.insert(endpoints.health().begin(), endpoints.health().end());
  return taken;
}

// The requested address of this pool's family; nullopt: none was requested.
std::optional<IpAddress> wanted_address(const PodRequest& request, const AddressPool& pool,
                                        const std::set<IpAddress>& taken) {
  const auto& wanted = request.addresses;
  const auto at = std::find_if(wanted.begin(), wanted.end(), [&](const IpAddress& each) {
    return each.family() == pool.cidr().family();
  });
  if (at == wanted.end()) return std::nullopt;
  if (pool.usable(*at) && !taken.contains(*at)) return *at;
  throw RequestError(kErrorInvalid, "params.addresses: expected a free address of " +
                                        pool.cidr().to_string() + ", found " + at->to_string());
}

IpAddress free_address(const AddressPool& pool, const std::set<IpAddress>& taken,
                       const std::vector<IpAddress>& released) {
  if (const auto free = pool.first_free(taken, released)) return *free;
  throw RequestError(kErrorExhausted, "no address of PodCIDR " + pool.cidr().to_string() +
                                          " is free: all " + std::to_string(pool.size()) +
                                          " are given out or reserved");
}

std::vector<IpAddress> kept_addresses(const PodRequest& request, const Endpoint& known) {
  if (request.addresses.empty() || same_addresses(request.addresses, known.addresses)) {
    return known.addresses;
  }
  throw RequestError(kErrorInvalid, "params.addresses: pod " + known.name + " has " +
                                        joined(known.addresses) + " already");
}

}  // namespace

std::vector<IpAddress> pod_addresses(const PodRequest& request, const PodNetwork& network,
                                     const Endpoints& endpoints, const Endpoint* known) {
  if (known != nullptr) return kept_addresses(request, *known);
  const auto taken = all_taken(network, endpoints);
  std::vector<IpAddress> addresses;
  for (const auto& [pod_cidr, gateway] : network.pools) {
    const AddressPool pool(pod_cidr);
    const auto wanted = wanted_address(request, pool, taken);
    addresses.push_back(wanted ? *wanted : free_address(pool, taken, endpoints.released()));
  }
  for (const auto& wanted : request.addresses) {
    if (std::find(addresses.begin(), addresses.end(), wanted) != addresses.end()) continue;
    throw RequestError(
        kErrorInvalid,
        "params.addresses: this node has no PodCIDR of the family of " + wanted.to_string());
  }
  return addresses;
}

std::vector<PodAddress> with_gateways(const std::vector<IpAddress>& addresses,
                                      const PodNetwork& network) {
  std::vector<PodAddress> all;
  for (const auto& address : addresses) {
    for (const auto& pool : network.pools) {
      if (pool.gateway.family() != address.family()) continue;
      all.push_back({.address = address, .gateway = pool.gateway});
    }
  }
  return all;
}

std::vector<PoolUse> pool_use(const PodNetwork& network, const Endpoints& endpoints) {
  const auto taken = all_taken(network, endpoints);
  std::vector<PoolUse> uses;
  for (const auto& [pod_cidr, gateway] : network.pools) {
    const AddressPool pool(pod_cidr);
    const auto count = std::count_if(taken.begin(), taken.end(),
                                     [&](const IpAddress& each) { return pool.usable(each); });
    uses.push_back(
        {.pod_cidr = pod_cidr, .allocated = static_cast<uint64_t>(count), .usable = pool.size()});
  }
  return uses;
}

std::vector<IpAddress> health_addresses(const PodNetwork& network, const Endpoints& endpoints) {
  const auto taken = pods_and_routers(network, endpoints);
  const auto& before = endpoints.health();
  std::vector<IpAddress> kept;
  for (const auto& [pod_cidr, gateway] : network.pools) {
    const AddressPool pool(pod_cidr);
    const auto still = std::find_if(before.begin(), before.end(), [&](const IpAddress& each) {
      return pool.usable(each) && !taken.contains(each);
    });
    if (still != before.end()) {
      kept.push_back(*still);
    } else if (const auto free = pool.first_free(taken, endpoints.released())) {
      kept.push_back(*free);
    }
  }
  return kept;
}

bool same_addresses(std::vector<IpAddress> a, std::vector<IpAddress> b) {
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  return a == b;
}

std::string joined(const std::vector<IpAddress>& addresses) {
  std::string text;
  for (const auto& each : addresses) text += (text.empty() ? "" : ", ") + each.to_string();
  return text;
}

}  // namespace pellicle
