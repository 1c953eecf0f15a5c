#include "agent/status/peer_states.h"

#include <algorithm>

namespace pellicle {

PeerStates::PeerStates(const Cluster& cluster, const std::vector<Refusal>& refusals) {
  for (const auto& [family, own] : cluster.own) families_.insert(family);
  for (const auto& refusal : refusals) note(refusal.operation);
}

std::string PeerStates::of(const Peer& peer) const {
  if (refused(peer)) return "refused";
  if (peer.next_hop && peer.next_hop->device.empty()) return "no route";
  const bool known = families_.contains(peer.pod_cidr.family());
  return known && peer.key_id == 0 ? "dropped" : "encrypted";
}

void PeerStates::note(const Operation& operation) {
  if (action(operation) == Action::remove) return;
  if (const auto* entry = std::get_if<Change<PeerEntry>>(&operation)) {
    entries_.insert(entry->key.cidr);
  } else if (const auto* route = std::get_if<Change<Route>>(&operation)) {
    routes_.insert(route->key.dst);
  } else if (const auto* state = std::get_if<Change<State>>(&operation)) {
    states_.insert(state->key);
  } else if (const auto* policy = std::get_if<Change<Policy>>(&operation)) {
    // Skips the policy for packets from this node itself to pods: its source is any address.
    const auto& key = policy->key;
    if (key.direction == Direction::out && key.src.length() > 0) {
      policies_.insert({key.dst, key.mark});
    }
  }
}

bool PeerStates::refused(const Peer& peer) const {
  if (routes_.contains(peer.pod_cidr)) return true;
  const auto* way = peer.way();
  if (!way) return entries_.contains(peer.pod_cidr);
  return (way->marked && entries_.contains(peer.pod_cidr)) ||
         policies_.contains({peer.pod_cidr, way->mark()}) ||
         states_.contains({.dst = peer.router, .spi = way->spi, .mark = way->mark()});
}

}  // namespace pellicle
