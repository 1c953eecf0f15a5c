// What a pod of this node sends.
#include <cstdio>

#include "agent/trace/walk.h"

namespace pellicle {

namespace {

std::string hex(uint32_t number) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%08x", number);
  return text;
}

// The longest prefix, as the LPM map looks it up. Nodes' own addresses are in the same map.
const PeerEntry* peer_of(const KernelState& kernel, const IpAddress& to, Cidr& cidr) {
  const PeerEntry* best = nullptr;
  for (const auto* table : {&kernel.peers, &kernel.node_peers}) {
    for (const auto& [key, entry] : *table) {
      if (!key.cidr.contains(to) || (best && key.cidr.length() <= cidr.length())) continue;
      best = &entry;
      cidr = key.cidr;
    }
  }
  return best;
}

// An OUT policy that selects the packet under this mark; the kernel takes the lowest priority.
const Table<Policy>::value_type* policy_of(const Walk& walk, const Mark& mark) {
  const Table<Policy>::value_type* best = nullptr;
  for (const auto& entry : walk.kernel().policies) {
    const auto& [key, policy] = entry;
    if (key.direction != Direction::out || key.mark != mark || !key.dst.contains(walk.to()) ||
        !key.src.contains(walk.from()) || !policy.tmpl) {
      continue;
    }
    if (!best || policy.priority < best->second.priority) best = &entry;
  }
  return best;
}

const Table<State>::value_type* state_of(const Walk& walk, const Policy::Template& wanted,
                                         const Mark& mark) {
  for (const auto& entry : walk.kernel().states) {
    const auto& key = entry.first;
    const bool spi = wanted.spi == 0 || key.spi == wanted.spi;
    if (key.dst == wanted.dst && key.mark == mark && spi) return &entry;
  }
  return nullptr;
}

std::string leaves(const Walk& walk, const IpAddress& router) {
  const auto way = walk.route(kMainTable, router);
  if (!way) return "leaves by a route that is not Pellicle's";
  return "leaves " + way->second.dev +
         (way->second.gateway ? " via " + way->second.gateway->to_string() : "");
}

// Marked, and on cilium_host's way to XFRM.
Trace encrypt(Walk& walk, uint8_t key_id) {
  const auto mark = encrypt_mark(key_id);
  if (!walk.mark_rule(kEncryptMark)) {
    return walk.missing("rule", "no rule leads mark 0xe00 to table 200",
                        "dropped: marked packets that nothing encrypted do not leave");
  }
  if (!walk.route_found(kEncryptTable, walk.to())) {
    return walk.missing("route, 200", "no route to " + walk.to().to_string() + " in table 200",
                        "dropped: marked packets that nothing encrypted do not leave");
  }
  const auto* policy = policy_of(walk, mark);
  if (policy == nullptr) {
    return walk.missing("policy", "no OUT policy with mark " + mark.to_string() + " for it",
                        "dropped by the block policy (XfrmOutPolBlock)");
  }
  walk.found("policy", describe(policy->first, policy->second));
  const auto& wanted = *policy->second.tmpl;
  const auto* state = state_of(walk, wanted, mark);
  if (state == nullptr) {
    return walk.missing("state",
                        "no state to " + wanted.dst.to_string() + " with SPI " + hex(wanted.spi),
                        "dropped: a policy without its state (XfrmOutNoStates)");
  }
  walk.found("state", describe(state->first, state->second));
  const auto& config = walk.config();
  if (!walk.program(config.net_device, true, "pell_net_in", "nothing sends the ESP on")) {
    return walk.ended(TraceEnd::dropped, "dropped: nothing sends the ESP on to the peer");
  }
  if (const auto way = walk.route(kMainTable, wanted.dst)) {
    walk.found("route, main", describe(way->first, way->second));
  }
  return walk.ended(TraceEnd::encrypted, "encrypted with key " + std::to_string(key_id) +
                                             " as ESP from " + wanted.src.to_string() + " to " +
                                             wanted.dst.to_string() + ", " +
                                             leaves(walk, wanted.dst));
}

Trace unencrypted(Walk& walk) {
  const auto& config = walk.config();
  walk.found("peers", walk.to().to_string() + " is no peer's");
  const bool guarded =
      walk.program(config.uplink, false, "pell_uplink_out", "nothing guards what leaves");
  for (const auto& network : config.held_back) {
    if (!guarded || !network.contains(walk.to())) continue;
    return walk.missing("config", "held back " + network.to_string(),
                        "dropped and counted: it may be for a peer whose entry the kernel refused "
                        "(see pellicle status)");
  }
  return walk.ended(TraceEnd::clear,
                    "not for a peer's pods: goes the node's own way, in the clear, from the "
                    "node's address where it is masqueraded");
}

}  // namespace

Trace trace_sent(Walk& walk) {
  const auto& kernel = walk.kernel();
  const auto source = kernel.endpoints.find({walk.from()});
  bool on_device = true;
  if (source == kernel.endpoints.end()) {
    walk.noted("endpoint", "no pod of this node has " + walk.from().to_string());
  } else {
    walk.found("endpoint", describe(source->first, source->second));
    on_device = walk.program(source->second.device, true, "pell_lxc_in",
                             "the guard on the uplink decides in its place");
  }
  for (const auto& network : walk.config().networks()) {
    if (network.pod_cidr.contains(walk.to())) {
      return trace_delivery(walk, "delivered on this node, never encrypted");
    }
  }
  Cidr cidr;
  const auto* peer = peer_of(kernel, walk.to(), cidr);
  if (peer == nullptr || (peer->node && !walk.config().host_encryption)) return unencrypted(walk);
  const auto described = describe(PeerEntry::Key{cidr}, *peer);
  if (peer->key_id == 0) {
    return walk.missing("peers", described, "dropped and counted: no key to send there with yet");
  }
  if (peer->key_id == PeerEntry::kNoNode) {
    return walk.missing("peers", described,
                        "dropped and counted: in the strict network, and no node's (a Service's "
                        "address is translated first: ask about one of its pods)");
  }
  walk.found("peers", described);
  if (!on_device || peer->node) {
    const auto& uplink = walk.config().uplink;
    if (!walk.program(uplink, false, "pell_uplink_out", "nothing guards what leaves")) {
      return walk.ended(TraceEnd::clear, "leaves in the clear: both programs are missing");
    }
  }
  return encrypt(walk, peer->key_id);
}

}  // namespace pellicle
