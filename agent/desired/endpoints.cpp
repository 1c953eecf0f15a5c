#include <algorithm>
#include <array>
#include <map>

#include "agent/desired/local_view.h"
#include "agent/desired/settings.h"

namespace pellicle {

namespace {

// Reports an address that two pods have, or one outside the node's PodCIDR.
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

// The link-local address that the pod's kernel derives from the MAC (RFC 4291, appendix A).
IpAddress link_local(const Mac& mac) {
  const auto& b = mac.bytes;
  const std::array<uint8_t, 16> bytes = {
      0xfe, 0x80, 0,    0,    0,    0,    0,   0, static_cast<uint8_t>(b[0] ^ 2),
      b[1], b[2], 0xff, 0xfe, b[3], b[4], b[5]};
  return {Family::v6, bytes.data()};
}

// The hook where the program sees what the pod sends.
std::optional<Attachment::Key> sending_hook(const Endpoint& endpoint, const HostFacts& host) {
  if (!endpoint.egress_shaped) return Attachment::Key{endpoint.device, true};
  const auto shaper = host.shapers.find(endpoint.device);
  if (shaper == host.shapers.end() || shaper->second.empty()) return std::nullopt;
  return Attachment::Key{shaper->second, false};
}

bool is_allowed(const Cidr& wanted, const Settings& settings) {
  const auto& allowed = settings.allowed_addresses;
  return std::any_of(allowed.begin(), allowed.end(), [&](const Cidr& network) {
    return network.length() <= wanted.length() && network.contains(wanted.address());
  });
}

void check_wanted(const Endpoint& endpoint, const Settings& settings,
                  std::vector<Problem>& problems) {
  for (const auto& wanted : endpoint.wanted_sources) {
    if (is_allowed(wanted, settings)) continue;
    problems.push_back(
        {"Pod " + endpoint.name, "metadata.annotations[pellicle.io/allowed-addresses]",
         wanted.to_string() + " is not allowed, so what the pod sends from there is "
                              "dropped; expected a network inside the setting allowed-addresses"});
  }
}

void check_shaper(const Endpoint& endpoint, const HostFacts& host, std::vector<Problem>& problems) {
  const auto shaper = host.shapers.find(endpoint.device);
  const bool hides = shaper != host.shapers.end() && shaper->second.empty();
  if (!endpoint.egress_shaped || !hides) return;
  problems.push_back({"Pod " + endpoint.name, "",
                      "what it sends is shaped on " + endpoint.device +
                          " without a device of its own, so whether it sends from its own "
                          "addresses is not checked; expected a shaper that redirects to one, as "
                          "CNI's bandwidth does"});
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
    check_shaper(endpoint, inputs.host, problems);
    check_wanted(endpoint, inputs.settings, problems);
    for (const auto& [family, network] : own) {
      const auto address = endpoint.address(family);
      if (address) check_address(endpoint, *address, network, owners, problems);
    }
  }
  return present;
}

KernelState pod_objects(const Endpoint& endpoint, const HostFacts& host, const Settings& settings) {
  KernelState state;
  for (const auto& address : endpoint.addresses) {
    set_for(kOnPods, address.family(), endpoint.device, state.sysctls);
    state.endpoints[{address}] = {
        .device = endpoint.device, .pod_mac = endpoint.pod_mac, .host_mac = endpoint.host_mac};
  }
  // Also for a pod without an IPv6 address: its kernel still uses the link-local address.
  state.sources[{endpoint.device, Cidr::host(link_local(endpoint.pod_mac))}] = {};
  for (const auto& wanted : endpoint.wanted_sources) {
    if (is_allowed(wanted, settings)) state.sources[{endpoint.device, wanted}] = {};
  }
  if (const auto hook = sending_hook(endpoint, host)) {
    state.attachments[*hook] = attachment("pell_lxc_in", host.program_tags);
  }
  return state;
}

}  // namespace pellicle
