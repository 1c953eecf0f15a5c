#include <algorithm>
#include <map>

#include "agent/desired/local_view.h"

namespace pellicle {

std::vector<Endpoint> present_endpoints(const Inputs& inputs, const Cidr& local_cidr,
                                        std::vector<Problem>& problems) {
  std::vector<Endpoint> present;
  const auto& devices = inputs.host.pod_devices;
  for (const auto& endpoint : inputs.endpoints) {
    if (std::find(devices.begin(), devices.end(), endpoint.device) != devices.end()) {
      present.push_back(endpoint);
    }
  }
  std::sort(present.begin(), present.end());

  std::map<IpAddress, std::string> owners;
  for (const auto& endpoint : present) {
    const auto report = [&](const std::string& sentence) {
      problems.push_back({"Pod " + endpoint.name, "address", sentence});
    };
    const auto address = endpoint.address(local_cidr.family());
    if (!address) continue;
    const auto [owner, first] = owners.emplace(*address, endpoint.name);
    if (!first) {
      report(address->to_string() + " is the address of pod " + owner->second +
             " too, which alone is reached");
    } else if (!local_cidr.contains(*address)) {
      report(address->to_string() + " lies outside this node's PodCIDR " + local_cidr.to_string() +
             ", so other nodes do not reach it");
    }
  }
  return present;
}

KernelState pod_objects(const Endpoint& endpoint, const ProgramTags& tags) {
  KernelState state;
  set_forwarding(state.sysctls, endpoint.device);
  if (const auto address = endpoint.address(Family::v4)) {
    state.endpoints[{*address}] = {
        .device = endpoint.device, .pod_mac = endpoint.pod_mac, .host_mac = endpoint.host_mac};
  }
  if (!endpoint.egress_shaped) {
    state.attachments[{endpoint.device, true}] = attachment("pell_lxc_in", tags);
  }
  return state;
}

}  // namespace pellicle
