// Which address cilium_host has.
#pragma once

#include <optional>
#include <vector>

#include "agent/model/inputs.h"

namespace pellicle {

// The address that is on the device now, else the one this Node published, else the first free one:
// in each case one of `pod_cidr` that is neither its network nor its broadcast address and that no
// pod has. No value when the PodCIDR has none left.
std::optional<IpAddress> router_address(const Cidr& pod_cidr,
                                        const std::optional<IpAddress>& on_device,
                                        const std::optional<IpAddress>& published,
                                        const std::vector<Endpoint>& endpoints);

}  // namespace pellicle
