// Chooses a pod's addresses from the node's PodCIDRs.
#pragma once

#include <string>
#include <vector>

#include "agent/ipam/endpoints.h"
#include "agent/kernel/pod.h"
#include "agent/pods/pod_request.h"

namespace pellicle {

// How much of a PodCIDR is allocated.
struct PoolUse {
  Cidr pod_cidr;
  uint64_t allocated = 0;  // pods, cilium_host and the health endpoint
  uint64_t usable = 0;
};

// One address of each pool: the requested one if it is free, else the pool's next. A `known` pod
// (may be null) keeps its addresses. Throws RequestError: kErrorInvalid for a request that cannot
// be met, kErrorExhausted.
std::vector<IpAddress> pod_addresses(const PodRequest& request, const PodNetwork& network,
                                     const Endpoints& endpoints, const Endpoint* known);

// Each address with the gateway of its family; an address without a pool is left out.
std::vector<PodAddress> with_gateways(const std::vector<IpAddress>& addresses,
                                      const PodNetwork& network);

std::vector<PoolUse> pool_use(const PodNetwork& network, const Endpoints& endpoints);

// One address of each pool that has a free one; reuses the previous one while it is free.
std::vector<IpAddress> health_addresses(const PodNetwork& network, const Endpoints& endpoints);

bool same_addresses(std::vector<IpAddress> a, std::vector<IpAddress> b);  // in any order
std::string joined(const std::vector<IpAddress>& addresses);              // "10.0.1.52, fd00:1::34"

}  // namespace pellicle
