#include "agent/desired/peers.h"

#include <algorithm>
#include <tuple>

#include "agent/desired/claims.h"

namespace pellicle {

namespace {

bool older(const Node& a, const Node& b) {
  return std::tie(a.created, a.name) < std::tie(b.created, b.name);
}

std::vector<const Node*> others_by_age(const Inputs& inputs) {
  std::vector<const Node*> others;
  for (const auto& [name, node] : inputs.nodes) {
    if (name != inputs.settings.node_name) others.push_back(&node);
  }
  std::sort(others.begin(), others.end(),
            [](const Node* a, const Node* b) { return older(*a, *b); });
  return others;
}

// One reading of all Nodes, oldest first.
struct Reading {
  const OwnClaims& own;
  Cluster& cluster;
  Claims claims;
  std::vector<Cidr> disbelieved;

  void report(const Node& node, const char* field, const std::string& sentence) {
    cluster.problems.push_back({"Node " + node.name, field, sentence});
  }
};

void claim_own(Reading& reading, const std::string& name) {
  for (const auto& address : reading.own.addresses) reading.claims.claim_address(address, name);
  if (reading.own.pod_cidr) reading.claims.claim_cidr(*reading.own.pod_cidr, name);
}

std::optional<IpAddress> believed_internal_ip(Reading& reading, const Node& node) {
  if (!node.internal_ipv4) {
    reading.report(node, kInternalIpField,
                   "no IPv4 InternalIP; without it there is no way to the Node, so packets to its "
                   "pods are dropped");
    return std::nullopt;
  }
  const auto holder = reading.claims.claim_address(*node.internal_ipv4, node.name);
  if (holder.empty()) return node.internal_ipv4;
  reading.report(node, kInternalIpField,
                 node.internal_ipv4->to_string() + " contradicts " + holder +
                     ", which is believed; packets to this Node's pods are dropped");
  return std::nullopt;
}

void report_overlap(Reading& reading, const Node& node, const Cidr& cidr,
                    const std::string& holder) {
  const auto& self = reading.cluster.self;
  if (reading.own.pod_cidr && cidr.overlaps(*reading.own.pod_cidr) && older(node, *self)) {
    reading.report(*self, kPodCidrField,
                   reading.own.pod_cidr->to_string() + " overlaps PodCIDR " + cidr.to_string() +
                       " of the older Node " + node.name +
                       ", which the other nodes believe; this node serves its own pods only and "
                       "sends nothing to that Node's until one of the two gets another PodCIDR");
    return;
  }
  reading.report(node, kPodCidrField,
                 cidr.to_string() + " contradicts " + holder +
                     ", which is believed; nothing is sent to this Node's pods");
}

// A PodCIDR that nobody believed before this Node claims. A Node may be disbelieved in this and
// still hold its InternalIP, and the other way about.
std::optional<Cidr> believed_pod_cidr(Reading& reading, const Node& node) {
  const auto cidr = node.pod_cidr(Family::v4);
  if (!cidr) {
    reading.report(node, kPodCidrField,
                   "no IPv4 PodCIDR such as 10.0.1.0/24; nothing is sent to its pods until it has "
                   "one");
    return std::nullopt;
  }
  const auto holder = reading.claims.claim_cidr(*cidr, node.name);
  if (holder.empty()) return cidr;
  report_overlap(reading, node, *cidr, holder);
  reading.disbelieved.push_back(*cidr);
  return std::nullopt;
}

std::optional<IpAddress> believed_router(Reading& reading, const Node& node, const Cidr& cidr) {
  if (!node.router_ipv4) {
    reading.report(node, kRouterField,
                   "no cilium_host address; packets to its pods are dropped until its agent "
                   "publishes one in " +
                       cidr.to_string());
    return std::nullopt;
  }
  if (cidr.contains(*node.router_ipv4)) return node.router_ipv4;
  reading.report(node, kRouterField,
                 node.router_ipv4->to_string() + " is not in the Node's PodCIDR " +
                     cidr.to_string() + "; packets to its pods are dropped");
  return std::nullopt;
}

void read_node(Reading& reading, const Node& node) {
  const auto internal_ip = believed_internal_ip(reading, node);
  const auto cidr = believed_pod_cidr(reading, node);
  if (!cidr) return;
  const auto router = believed_router(reading, node, *cidr);
  if (internal_ip && router) {
    reading.cluster.peers.push_back(
        {.name = node.name, .pod_cidr = *cidr, .internal_ip = *internal_ip, .router = *router});
  } else {
    reading.cluster.unready.push_back(*cidr);
  }
}

// Nobody's packets go there; what another Node is believed to hold is that Node's, and a drop that
// swallowed this node's own address would cut its pods off from it.
void drop_disbelieved(Reading& reading) {
  for (const auto& cidr : reading.disbelieved) {
    const auto& addresses = reading.own.addresses;
    const bool ours = std::any_of(addresses.begin(), addresses.end(),
                                  [&](const auto& address) { return cidr.contains(address); });
    if (!ours && !reading.claims.covers(cidr)) reading.cluster.unready.push_back(cidr);
  }
}

}  // namespace

void read_peers(const Inputs& inputs, const OwnClaims& own, Cluster& cluster) {
  Reading reading{.own = own, .cluster = cluster, .claims = {}, .disbelieved = {}};
  claim_own(reading, inputs.settings.node_name);
  for (const Node* node : others_by_age(inputs)) read_node(reading, *node);
  drop_disbelieved(reading);

  std::sort(cluster.peers.begin(), cluster.peers.end(),
            [](const Peer& a, const Peer& b) { return a.name < b.name; });
  auto& unready = cluster.unready;
  std::sort(unready.begin(), unready.end());
  unready.erase(std::unique(unready.begin(), unready.end()), unready.end());
}

}  // namespace pellicle
