#include "agent/desired/peers.h"

#include <algorithm>

#include "agent/desired/claims.h"

namespace pellicle {

namespace {

std::vector<const Node*> others_by_trust(const Inputs& inputs) {
  std::vector<const Node*> others;
  for (const auto& [name, node] : inputs.nodes) {
    if (name != inputs.settings.node_name) others.push_back(&node);
  }
  std::sort(others.begin(), others.end(),
            [](const Node* a, const Node* b) { return believed_before(*a, *b); });
  return others;
}

// One pass over all Nodes, the most trusted first.
struct Reading {
  const OwnClaims& own;
  Cluster& cluster;
  Claims& claims;
  bool host_encryption = false;
  std::vector<Cidr> disbelieved;

  void report(const Node& node, const char* field, const std::string& sentence) {
    cluster.problems.push_back({"Node " + node.name, field, sentence});
  }
};

void claim_own(Reading& reading, const std::string& name) {
  for (const auto& address : reading.own.addresses) reading.claims.claim_address(address, name);
  for (const auto& [family, cidr] : reading.own.pod_cidrs) reading.claims.claim_cidr(cidr, name);
}

std::optional<IpAddress> believed_internal_ip(Reading& reading, const Node& node, Family family) {
  const auto& address = node.internal_ip(family);
  if (!address) {
    reading.report(node, kInternalIpField,
                   std::string("no ") + family_name(family) +
                       " InternalIP; without it there is no way to the Node, so packets to its "
                       "pods are dropped");
    return std::nullopt;
  }
  const auto holder = reading.claims.claim_address(*address, node.name);
  if (holder.empty()) return address;
  reading.cluster.disputed = true;
  reading.report(node, kInternalIpField,
                 address->to_string() + " contradicts " + holder +
                     ", which is believed; packets to this Node's pods are dropped");
  return std::nullopt;
}

void report_overlap(Reading& reading, const Node& node, const Cidr& cidr,
                    const std::string& holder) {
  const auto& self = reading.cluster.self;
  const auto own = reading.own.pod_cidrs.find(cidr.family());
  if (own != reading.own.pod_cidrs.end() && cidr.overlaps(own->second) &&
      believed_before(node, *self)) {
    reading.report(*self, kPodCidrField,
                   own->second.to_string() + " overlaps PodCIDR " + cidr.to_string() + " of " +
                       (self->silent == node.silent ? "the older Node " : "Node ") + node.name +
                       ", which the other nodes believe; this node serves its own pods only and "
                       "sends nothing to that Node's until one of the two gets another PodCIDR");
    return;
  }
  reading.report(node, kPodCidrField,
                 cidr.to_string() + " contradicts " + holder +
                     ", which is believed; nothing is sent to this Node's pods");
}

// True if no Node read before this one holds the PodCIDR. A Node may lose this claim and keep its
// InternalIP, and vice versa.
bool believes_pod_cidr(Reading& reading, const Node& node, const Cidr& cidr) {
  const auto holder = reading.claims.claim_cidr(cidr, node.name);
  if (holder.empty()) return true;
  report_overlap(reading, node, cidr, holder);
  reading.cluster.disputed = true;
  reading.disbelieved.push_back(cidr);
  return false;
}

std::optional<IpAddress> believed_router(Reading& reading, const Node& node, const Cidr& cidr) {
  const auto& router = node.router(cidr.family());
  const char* field = router_field(cidr.family());
  if (!router) {
    reading.report(node, field,
                   "no cilium_host address; packets to its pods are dropped until its agent "
                   "publishes one in " +
                       cidr.to_string());
    return std::nullopt;
  }
  if (cidr.contains(*router)) return router;
  reading.report(node, field,
                 router->to_string() + " is not in the Node's PodCIDR " + cidr.to_string() +
                     "; packets to its pods are dropped");
  return std::nullopt;
}

void report_stray_health_endpoint(Reading& reading, const Node& node, const Cidr& cidr) {
  const auto& endpoint = node.health(cidr.family());
  if (!endpoint || cidr.contains(*endpoint)) return;
  reading.report(node,
                 cidr.family() == Family::v4
                     ? "metadata.annotations[network.cilium.io/ipv4-health-ip]"
                     : "metadata.annotations[network.cilium.io/ipv6-health-ip]",
                 endpoint->to_string() + " is not in the Node's PodCIDR " + cidr.to_string() +
                     "; whether its pods are reached is not asked");
}

void report_in_the_clear(Reading& reading, const Node& node, const IpAddress& internal_ip) {
  if (!reading.host_encryption || node.accepts_host_encryption) return;
  reading.report(
      node, kHostEncryptionField,
      "expected 'accepted', which an agent publishes that takes encrypted packets for its "
      "node; until it runs there, what pods and " +
          internal_ip.to_string() + " say to each other is in the clear");
}

void read_node_in(Reading& reading, const Node& node, Family family) {
  const auto cidr = node.pod_cidr(family);
  if (!cidr) {  // no pods of this family, but no other Node may claim the address
    if (const auto& address = node.internal_ip(family)) {
      const auto holder = reading.claims.claim_address(*address, node.name);
      if (!holder.empty()) reading.cluster.disputed = true;
    }
    return;
  }
  const auto internal_ip = believed_internal_ip(reading, node, family);
  if (!believes_pod_cidr(reading, node, *cidr)) return;
  const auto router = believed_router(reading, node, *cidr);
  if (internal_ip && router) {
    reading.cluster.peers.push_back({.name = node.name,
                                     .pod_cidr = *cidr,
                                     .internal_ip = *internal_ip,
                                     .router = *router,
                                     .accepts_host_encryption = node.accepts_host_encryption,
                                     .node = node});
    report_stray_health_endpoint(reading, node, *cidr);
    report_in_the_clear(reading, node, *internal_ip);
  } else {
    reading.cluster.unready.push_back(*cidr);
  }
}

void read_node(Reading& reading, const Node& node) {
  const auto& families = reading.own.families;
  for (const auto family : families) read_node_in(reading, node, family);
  const bool has_pods = std::any_of(families.begin(), families.end(), [&](Family family) {
    return node.pod_cidr(family).has_value();
  });
  if (has_pods) return;
  reading.report(node, kPodCidrField,
                 std::string("no ") + family_name(families.front()) + " PodCIDR such as " +
                     pod_cidr_example(families.front()) +
                     "; nothing is sent to its pods until it has one");
}

// Blocks the PodCIDRs that are not believed, except those inside a believed Node's PodCIDR, which
// belong to that Node, and those with an address of this node, which would cut its pods off from
// it.
void drop_disbelieved(Reading& reading) {
  for (const auto& cidr : reading.disbelieved) {
    const auto& addresses = reading.own.addresses;
    const bool ours = std::any_of(addresses.begin(), addresses.end(),
                                  [&](const auto& address) { return cidr.contains(address); });
    if (!ours && !reading.claims.covers(cidr)) reading.cluster.unready.push_back(cidr);
  }
}

}  // namespace

const char* router_field(Family family) {
  return family == Family::v4 ? "metadata.annotations[network.cilium.io/ipv4-cilium-host]"
                              : "metadata.annotations[network.cilium.io/ipv6-cilium-host]";
}

const char* pod_cidr_example(Family family) {
  return family == Family::v4 ? "10.0.1.0/24" : "fd00:1::/64";
}

void read_peers(const Inputs& inputs, const OwnClaims& own, Cluster& cluster) {
  Reading reading{.own = own,
                  .cluster = cluster,
                  .claims = cluster.claims,
                  .host_encryption = inputs.settings.host_encryption,
                  .disbelieved = {}};
  claim_own(reading, inputs.settings.node_name);
  for (const Node* node : others_by_trust(inputs)) read_node(reading, *node);
  drop_disbelieved(reading);

  std::sort(cluster.peers.begin(), cluster.peers.end(), [](const Peer& a, const Peer& b) {
    const int order = a.name.compare(b.name);
    return order != 0 ? order < 0 : a.router.family() < b.router.family();
  });
  auto& unready = cluster.unready;
  std::sort(unready.begin(), unready.end());
  unready.erase(std::unique(unready.begin(), unready.end()), unready.end());
}

}  // namespace pellicle
