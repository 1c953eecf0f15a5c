// Chooses the address of cilium_host.
#pragma once

#include <optional>
#include <vector>

#include "agent/model/inputs.h"

namespace pellicle {

// The address now on the device, else the one that this Node published, else the first free one. In
// each case it is in `pod_cidr`, neither its network nor its broadcast address, and no pod has it.
// nullopt if the PodCIDR has none left.
std::optional<IpAddress> router_address(const Cidr& pod_cidr,
                                        const std::optional<IpAddress>& on_device,
                                        const std::optional<IpAddress>& published,
                                        const std::vector<Endpoint>& endpoints);

}  // namespace pellicle
