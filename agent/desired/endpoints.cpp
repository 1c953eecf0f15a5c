#include <algorithm>
#include <map>

#include "agent/desired/local_view.h"
#include "agent/desired/settings.h"

namespace pellicle {

namespace {

// An address that two pods have, or one from outside of the node's network.
void check_address(const Endpoint& endpoint, const IpAddress& address, const OwnNetwork& own,
                   std::map<IpAddress, std::string>& owners, std::vector<Problem>& problems) {
  const auto report = [&](const std::string& sentence) {
    problems.push_back({"Pod " + endpoint.name, "address", sentence});
  };
  const auto [owner, first] = owners.emplace(address, endpoint.name);
  if (!first) {
    report(address.to_string() + " is the address of pod " + owner->second +
           " too, which alone is reached");
  } else if (!own.pod_cidr.contains(address)) {
    report(address.to_string() + " lies outside this node's PodCIDR " + own.pod_cidr.to_string() +
           ", so other nodes do not reach it");
  }
}

}  // namespace

std::vector<Endpoint> present_endpoints(const Inputs& inputs,
                                        const std::map<Family, OwnNetwork>& own,
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
    for (const auto& [family, network] : own) {
      const auto address = endpoint.address(family);
      if (address) check_address(endpoint, *address, network, owners, problems);
    }
  }
  return present;
}

KernelState pod_objects(const Endpoint& endpoint, const ProgramTags& tags) {
  KernelState state;
  for (const auto& address : endpoint.addresses) {
    set_for(kOnPods, address.family(), endpoint.device, state.sysctls);
    state.endpoints[{address}] = {
        .device = endpoint.device, .pod_mac = endpoint.pod_mac, .host_mac = endpoint.host_mac};
  }
  if (!endpoint.egress_shaped) {
    state.attachments[{endpoint.device, true}] = attachment("pell_lxc_in", tags);
  }
  return state;
}

}  // namespace pellicle
