#include <algorithm>

#include "agent/desired/peers.h"
#include "agent/desired/router_address.h"

namespace pellicle {

namespace {

constexpr const char* kMeanwhile =
    "; until then only the block policy is added, and what was programmed before keeps running";

void report_self(const Node& self, Cluster& cluster, const char* field,
                 const std::string& sentence) {
  cluster.problems.push_back({"Node " + self.name, field, sentence + kMeanwhile});
}

std::optional<HostFacts::Uplink> named_uplink(const Inputs& inputs, Cluster& cluster) {
  const auto& wanted = inputs.settings.uplink;
  const auto& uplinks = inputs.host.uplinks;
  const auto found = std::find_if(uplinks.begin(), uplinks.end(),
                                  [&](const auto& entry) { return entry.second.name == wanted; });
  if (found != uplinks.end()) return found->second;
  cluster.problems.push_back(
      {"Configuration", "uplink",
       "no device " + wanted + " with an IPv4 address on this host" + kMeanwhile});
  return std::nullopt;
}

std::optional<HostFacts::Uplink> uplink(const Inputs& inputs, Cluster& cluster) {
  if (!inputs.settings.uplink.empty()) return named_uplink(inputs, cluster);
  const auto& address = cluster.self->internal_ipv4;
  if (!address) return std::nullopt;
  const auto found = inputs.host.uplinks.find(*address);
  if (found != inputs.host.uplinks.end()) return found->second;
  report_self(*cluster.self, cluster, kInternalIpField,
              "no device of this host carries " + address->to_string() +
                  "; expected one that does, or the setting `uplink`");
  return std::nullopt;
}

// The addresses that the rest of the network knows this host by.
std::vector<IpAddress> own_addresses(const Inputs& inputs, const Cluster& cluster) {
  std::vector<IpAddress> addresses;
  if (cluster.self->internal_ipv4) addresses.push_back(*cluster.self->internal_ipv4);
  for (const auto& [address, device] : inputs.host.uplinks) {
    if (cluster.uplink && device.name == cluster.uplink->name) addresses.push_back(address);
  }
  return addresses;
}

std::optional<Cidr> own_pod_cidr(const std::vector<IpAddress>& addresses, Cluster& cluster) {
  const auto& self = *cluster.self;
  const auto cidr = self.pod_cidr(Family::v4);
  if (!cidr) {
    report_self(self, cluster, kPodCidrField, "no IPv4 PodCIDR; expected one such as 10.0.1.0/24");
    return std::nullopt;
  }
  for (const auto& address : addresses) {
    if (!cidr->contains(address)) continue;
    report_self(self, cluster, kPodCidrField,
                cidr->to_string() + " contains this host's own address " + address.to_string() +
                    "; expected a network for pods alone");
    return std::nullopt;
  }
  return cidr;
}

void choose_router(const Inputs& inputs, const Cidr& pod_cidr, Cluster& cluster) {
  cluster.router = router_address(pod_cidr, inputs.host.router_ipv4, cluster.self->router_ipv4,
                                  inputs.endpoints);
  if (cluster.router) return;
  report_self(*cluster.self, cluster, kPodCidrField,
              pod_cidr.to_string() + " has no address left for cilium_host; expected a free one");
}

OwnClaims read_self(const Inputs& inputs, Cluster& cluster) {
  const auto& name = inputs.settings.node_name;
  const auto found = inputs.nodes.find(name);
  if (found == inputs.nodes.end()) {
    cluster.problems.push_back({"Node " + name, "",
                                std::string("the API has no Node of this name; expected the "
                                            "setting `node-name` to be the name of one") +
                                    kMeanwhile});
    return {};
  }
  cluster.self = found->second;
  if (!cluster.self->internal_ipv4) {
    report_self(*cluster.self, cluster, kInternalIpField,
                "no IPv4 InternalIP; expected the address of this host's uplink");
  }
  cluster.uplink = uplink(inputs, cluster);

  OwnClaims own{.pod_cidr = std::nullopt, .addresses = own_addresses(inputs, cluster)};
  own.pod_cidr = own_pod_cidr(own.addresses, cluster);
  if (own.pod_cidr) choose_router(inputs, *own.pod_cidr, cluster);
  return own;
}

}  // namespace

Cluster cluster(const Inputs& inputs) {
  Cluster result;
  const auto own = read_self(inputs, result);
  read_peers(inputs, own, result);
  std::sort(result.problems.begin(), result.problems.end());
  return result;
}

}  // namespace pellicle
