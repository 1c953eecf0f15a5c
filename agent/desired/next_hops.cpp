#include "agent/desired/next_hops.h"

#include <algorithm>

namespace pellicle {

namespace {

// The uplink's networks, and the source address of packets from this node to a peer's node.
struct Here {
  std::vector<Cidr> connected;
  std::map<Family, IpAddress> sources;
};

std::string uplink_name(const Inputs& inputs, const Node& self) {
  if (!inputs.settings.uplink.empty()) return inputs.settings.uplink;
  for (const auto family : kFamilies) {
    const auto& address = self.internal_ip(family);
    const auto found = address ? inputs.host.uplinks.find(*address) : inputs.host.uplinks.end();
    if (found != inputs.host.uplinks.end()) return found->second.name;
  }
  return "";
}

// nullopt while this node's own Node is unknown.
std::optional<Here> here(const Inputs& inputs) {
  const auto self = inputs.nodes.find(inputs.settings.node_name);
  if (self == inputs.nodes.end()) return std::nullopt;
  Here here;
  const auto uplink = uplink_name(inputs, self->second);
  for (const auto& [address, device] : inputs.host.uplinks) {
    if (device.name == uplink && device.connected) here.connected.push_back(*device.connected);
  }
  for (const auto family : kFamilies) {
    const auto& address = self->second.internal_ip(family);
    if (address && inputs.host.uplinks.contains(*address)) here.sources.emplace(family, *address);
  }
  return here;
}

void add_questions(const Here& here, const Node& other, std::vector<NextHopQuestion>& questions) {
  for (const auto family : kFamilies) {
    const auto& address = other.internal_ip(family);
    if (!address || !other.pod_cidr(family)) continue;
    const bool connected = std::any_of(here.connected.begin(), here.connected.end(),
                                       [&](const Cidr& each) { return each.contains(*address); });
    if (connected) continue;
    const auto source = here.sources.find(family);
    questions.push_back(
        {.destination = *address,
         .source = source == here.sources.end() ? std::nullopt : std::optional(source->second)});
  }
}

}  // namespace

std::vector<NextHopQuestion> next_hop_questions(const Inputs& inputs) {
  std::vector<NextHopQuestion> questions;
  const auto from = here(inputs);
  if (!from) return questions;
  for (const auto& [name, node] : inputs.nodes) {
    if (name != inputs.settings.node_name) add_questions(*from, node, questions);
  }
  return questions;
}

std::vector<NextHopQuestion> next_hop_questions(const Inputs& inputs, const Node& other) {
  std::vector<NextHopQuestion> questions;
  if (const auto from = here(inputs)) add_questions(*from, other, questions);
  return questions;
}

std::optional<std::string> hop_problem(const Peer& peer) {
  if (!peer.next_hop || !peer.next_hop->device.empty()) return std::nullopt;
  return "this node has no route to " + peer.internal_ip.to_string() + " (" +
         peer.next_hop->obstacle + "), so it makes none to " + peer.pod_cidr.to_string() +
         "; expected one, through a default gateway for instance";
}

std::optional<std::string> expected_of_network(const Peer& peer) {
  if (!peer.next_hop || !peer.next_hop->gateway) return std::nullopt;
  return peer.next_hop->gateway->to_string() + " must route " + peer.pod_cidr.to_string() + " to " +
         peer.internal_ip.to_string();
}

void find_next_hops(const Inputs& inputs, Cluster& cluster) {
  if (!inputs.settings.direct_routes || !cluster.uplink) return;
  for (auto& peer : cluster.peers) {
    const auto asked = inputs.next_hops.find(peer.internal_ip);
    peer.next_hop = asked == inputs.next_hops.end()
                        ? NextHop{.device = cluster.uplink->name, .gateway = std::nullopt}
                        : asked->second;
    if (const auto wrong = hop_problem(peer)) {
      cluster.problems.push_back({"Node " + peer.name, kRouteField, *wrong});
    }
  }
}

}  // namespace pellicle
