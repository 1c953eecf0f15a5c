#include <algorithm>

#include "agent/desired/next_hops.h"
#include "agent/desired/peers.h"
#include "agent/desired/router_address.h"
#include "agent/desired/ways.h"

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
       "no device " + wanted + " with an IP address on this host" + kMeanwhile});
  return std::nullopt;
}

void report_no_ipv6(const Node& self, const Cidr& pod_cidr, Cluster& cluster) {
  cluster.problems.push_back(
      {"Node " + self.name, kPodCidrField,
       pod_cidr.to_string() +
           " is not used, as this node's kernel has no IPv6; expected a kernel that was booted "
           "without ipv6.disable=1, or a Node with an IPv4 PodCIDR alone"});
}

// The families in which this node has pods. A programmed family stays, whatever the Node says.
std::vector<Family> own_families(const Inputs& inputs, const Node& self, Cluster& cluster) {
  std::vector<Family> families;
  for (const auto family : kFamilies) {
    const auto pod_cidr = self.pod_cidr(family);
    if (family == Family::v6 && !inputs.host.ipv6) {
      if (pod_cidr) report_no_ipv6(self, *pod_cidr, cluster);
    } else if (pod_cidr || inputs.host.router(family)) {
      families.push_back(family);
    }
  }
  if (families.empty()) families.push_back(Family::v4);  // so that problems name a family
  return families;
}

// The device with this Node's InternalIP; one device serves both families.
std::optional<HostFacts::Uplink> uplink(const Inputs& inputs, const std::vector<Family>& families,
                                        Cluster& cluster) {
  if (!inputs.settings.uplink.empty()) return named_uplink(inputs, cluster);
  std::optional<HostFacts::Uplink> chosen;
  for (const auto family : families) {
    const auto& address = cluster.self->internal_ip(family);
    if (!address) continue;
    const auto found = inputs.host.uplinks.find(*address);
    if (found == inputs.host.uplinks.end()) {
      report_self(*cluster.self, cluster, kInternalIpField,
                  "no device of this host carries " + address->to_string() +
                      "; expected one that does, or the setting `uplink`");
    } else if (!chosen) {
      chosen = found->second;
    } else if (chosen->name != found->second.name) {
      report_self(*cluster.self, cluster, kInternalIpField,
                  address->to_string() + " is on " + found->second.name + ", not on " +
                      chosen->name +
                      " as the Node's other address; expected both on one device, "
                      "or the setting `uplink`");
    }
  }
  return chosen;
}

// The addresses by which the rest of the network knows this host.
std::vector<IpAddress> own_addresses(const Inputs& inputs, const Cluster& cluster) {
  std::vector<IpAddress> addresses;
  for (const auto family : kFamilies) {
    if (const auto& address = cluster.self->internal_ip(family)) addresses.push_back(*address);
  }
  for (const auto& [address, device] : inputs.host.uplinks) {
    if (cluster.uplink && device.name == cluster.uplink->name) addresses.push_back(address);
  }
  return addresses;
}

std::optional<Cidr> own_pod_cidr(const std::vector<IpAddress>& addresses, Family family,
                                 Cluster& cluster) {
  const auto& self = *cluster.self;
  const auto cidr = self.pod_cidr(family);
  if (!cidr) {
    report_self(self, cluster, kPodCidrField,
                std::string("no ") + family_name(family) + " PodCIDR; expected one such as " +
                    pod_cidr_example(family));
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

std::optional<IpAddress> own_router(const Inputs& inputs, const Cidr& pod_cidr, Cluster& cluster) {
  const auto family = pod_cidr.family();
  auto router = router_address(pod_cidr, inputs.host.router(family), cluster.self->router(family),
                               inputs.endpoints);
  if (!router) {
    report_self(*cluster.self, cluster, kPodCidrField,
                pod_cidr.to_string() + " has no address left for cilium_host; expected a free one");
  }
  return router;
}

// True if the InternalIP is on the uplink, or if the setting `uplink` chose the device.
bool has_way_out(const Inputs& inputs, Family family, const Cluster& cluster) {
  const auto& address = cluster.self->internal_ip(family);
  if (!address || !cluster.uplink) return false;
  if (!inputs.settings.uplink.empty()) return true;
  const auto found = inputs.host.uplinks.find(*address);
  return found != inputs.host.uplinks.end() && found->second.name == cluster.uplink->name;
}

void read_own_family(const Inputs& inputs, Family family, OwnClaims& own, Cluster& cluster) {
  const auto cidr = own_pod_cidr(own.addresses, family, cluster);
  if (cidr) own.pod_cidrs.emplace(family, *cidr);
  const auto router = cidr ? own_router(inputs, *cidr, cluster) : std::nullopt;
  if (router && has_way_out(inputs, family, cluster)) {
    cluster.own.emplace(family, OwnNetwork{.pod_cidr = *cidr, .router = *router});
  } else {
    cluster.incomplete = true;
  }
}

OwnClaims read_self(const Inputs& inputs, Cluster& cluster) {
  const auto& name = inputs.settings.node_name;
  const auto found = inputs.nodes.find(name);
  if (found == inputs.nodes.end()) {
    cluster.problems.push_back({"Node " + name, "",
                                std::string("the API has no Node of this name; expected the "
                                            "setting `node-name` to be the name of one") +
                                    kMeanwhile});
    cluster.incomplete = true;
    return {.families = {kFamilies.begin(), kFamilies.end()}};
  }
  cluster.self = found->second;
  OwnClaims own{.families = own_families(inputs, *cluster.self, cluster)};
  for (const auto family : own.families) {
    if (cluster.self->internal_ip(family)) continue;
    report_self(*cluster.self, cluster, kInternalIpField,
                std::string("no ") + family_name(family) +
                    " InternalIP; expected the address of this host's uplink");
  }
  cluster.uplink = uplink(inputs, own.families, cluster);
  own.addresses = own_addresses(inputs, cluster);
  for (const auto family : own.families) read_own_family(inputs, family, own, cluster);
  return own;
}

void find_paths(const Inputs& inputs, Cluster& cluster) {
  for (auto& peer : cluster.peers) {
    const auto found = inputs.paths.find(peer.router);
    if (found != inputs.paths.end()) peer.path = found->second;
  }
}

}  // namespace

std::map<Family, OwnNetwork> own_networks(const Inputs& inputs) {
  Cluster result;
  read_self(inputs, result);
  return std::move(result.own);
}

Cluster cluster(const Inputs& inputs) {
  Cluster result;
  const auto own = read_self(inputs, result);
  read_peers(inputs, own, result);
  find_paths(inputs, result);
  find_next_hops(inputs, result);
  choose_ways(inputs, result);
  std::sort(result.problems.begin(), result.problems.end());
  return result;
}

}  // namespace pellicle
