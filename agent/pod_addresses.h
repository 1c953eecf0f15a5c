// Which addresses of the node's PodCIDRs a pod gets.
#pragma once

#include <string>
#include <vector>

#include "agent/ipam/endpoints.h"
#include "agent/kernel/pod.h"
#include "agent/pod_request.h"

namespace pellicle {

// How far a PodCIDR is used up.
struct PoolUse {
  Cidr pod_cidr;
  uint64_t allocated = 0;  // pods, cilium_host and the health endpoint
  uint64_t usable = 0;
};

// One of each pool: what is asked for where that is free, else what the pool has next. A pod that
// is `known` (may be null) keeps what it has. Throws RequestError: kErrorInvalid for a wish that
// cannot be met, kErrorExhausted.
std::vector<IpAddress> pod_addresses(const PodRequest& request, const PodNetwork& network,
                                     const Endpoints& endpoints, const Endpoint* known);

// Each with the gateway of its pool; one of no pool is left out.
std::vector<PodAddress> with_gateways(const std::vector<IpAddress>& addresses,
                                      const PodNetwork& network);

std::vector<PoolUse> pool_use(const PodNetwork& network, const Endpoints& endpoints);

// One of each pool that has one left: the ones kept before where they are still free for it.
std::vector<IpAddress> health_addresses(const PodNetwork& network, const Endpoints& endpoints);

bool same_addresses(std::vector<IpAddress> a, std::vector<IpAddress> b);  // in any order
std::string joined(const std::vector<IpAddress>& addresses);              // "10.0.1.52, fd00:1::34"

}  // namespace pellicle
