// A packet that a pod of this node sends.
#include <cstdio>

#include "agent/trace/walk.h"

namespace pellicle {

namespace {

std::string hex(uint32_t number) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%08x", number);
  return text;
}

// Longest prefix match, as in the eBPF LPM map. That map also holds the nodes' own addresses.
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

// The OUT policy that matches the packet with this mark. The kernel takes the one with the lowest
// priority value. A policy without a mark matches packets with any mark.
const Table<Policy>::value_type* policy_of(const Walk& walk, const Mark& mark) {
  const Table<Policy>::value_type* best = nullptr;
  for (const auto& entry : walk.kernel().policies) {
    const auto& [key, policy] = entry;
    if (key.direction != Direction::out || (mark.value & key.mark.mask) != key.mark.value ||
        !key.dst.contains(walk.to()) || !key.src.contains(walk.from())) {
      continue;
    }
    if (!best || policy.priority < best->second.priority) best = &entry;
  }
  return best;
}

// When the kernel looks up a state, it compares the policy's mark with the state's mark and mask.
const Table<State>::value_type* state_of(const Walk& walk,
                                         const Table<Policy>::value_type& policy) {
  const auto& wanted = *policy.second.tmpl;
  const auto mark = policy.first.mark.value & policy.first.mark.mask;
  for (const auto& entry : walk.kernel().states) {
    const auto& key = entry.first;
    const bool spi = wanted.spi == 0 || key.spi == wanted.spi;
    const bool agrees = (mark & key.mark.mask) == key.mark.value;
    if (key.dst == wanted.dst && agrees && spi) return &entry;
  }
  return nullptr;
}

std::string why_blocked(const Policy& policy) {
  return policy.priority == kStrictPriority
             ? "in the strict network, and no node's (a Service's address is translated first: ask "
               "about one of its pods)"
             : "no key to send there with yet";
}

std::string leaves(const Walk& walk, const IpAddress& router) {
  const auto way = walk.route(kMainTable, router);
  if (!way) return "leaves by a route that is not Pellicle's";
  return "leaves " + way->second.dev +
         (way->second.gateway ? " via " + way->second.gateway->to_string() : "");
}

// From the XFRM policy that matches to the uplink.
Trace by_policy(Walk& walk, const Table<Policy>::value_type& policy) {
  if (policy.second.block) {
    return walk.missing("policy", describe(policy.first, policy.second),
                        "dropped by this policy (XfrmOutPolBlock): " + why_blocked(policy.second));
  }
  walk.found("policy", describe(policy.first, policy.second));
  const auto& wanted = *policy.second.tmpl;
  const auto* state = state_of(walk, policy);
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
  walk.path(wanted.dst);
  return walk.ended(TraceEnd::encrypted,
                    "encrypted with key " + std::to_string(key_id_of(state->first)) +
                        " as ESP from " + wanted.src.to_string() + " to " + wanted.dst.to_string() +
                        ", " + leaves(walk, wanted.dst));
}

// A packet with the encryption mark: rule, table 200, XFRM.
Trace marked(Walk& walk, uint8_t key_id) {
  const auto mark = encrypt_mark(key_id);
  if (!walk.mark_rule(kEncryptMark)) {
    return walk.missing("rule", "no rule leads mark 0xe00 to table 200",
                        "dropped: marked packets that nothing encrypted do not leave");
  }
  if (!walk.route_found(kEncryptTable, walk.to())) {
    return walk.missing("route, 200", "no route to " + walk.to().to_string() + " in table 200",
                        "dropped: marked packets that nothing encrypted do not leave");
  }
  if (const auto* policy = policy_of(walk, mark)) return by_policy(walk, *policy);
  return walk.missing("policy", "no OUT policy with mark " + mark.to_string() + " for it",
                      "dropped by the block policy (XfrmOutPolBlock)");
}

// A packet routed to cilium_host without a mark: the program on cilium_host marks it.
Trace marked_late(Walk& walk, const PeerEntry* peer) {
  const auto& config = walk.config();
  if (!walk.program(config.host_device, false, "pell_host_out", "nothing marks the packet")) {
    return walk.ended(TraceEnd::dropped, "dropped: cilium_host lets nothing through unmarked");
  }
  if (peer == nullptr || peer->key_id == 0) {
    return walk.missing("peers", "no key to send there with", "dropped and counted: no key");
  }
  return marked(walk, peer->key_id);
}

// No policy and no route of Pellicle's matches the packet.
Trace unencrypted(Walk& walk, const PeerEntry* peer) {
  const bool audited = walk.uplink_program(false, "nothing checks what leaves");
  if (peer != nullptr && audited) {
    return walk.missing("policy", "no OUT policy for it",
                        "dropped and counted: unencrypted at the uplink");
  }
  const std::string how = peer != nullptr
                              ? "leaves in the clear: policy and program are missing"
                              : "not for a peer's pods: goes the node's own way, in the clear, "
                                "from the node's address where it is masqueraded";
  return walk.ended(TraceEnd::clear, how);
}

// A packet without the encryption mark: policies without a mark, then rules and their tables.
Trace unmarked(Walk& walk, const PeerEntry* peer) {
  const bool to_node = peer != nullptr && peer->node;
  const auto mark = walk.config().host_encryption ? kPodMark : Mark{};
  const auto* policy = policy_of(walk, mark);
  const bool passes = policy == nullptr || (!policy->second.block && !policy->second.tmpl);
  if (!passes) return by_policy(walk, *policy);
  const auto table = to_node ? kMarkNodesTable : kMarkPodsTable;
  const auto way = walk.table_rule(table) ? walk.route(table, walk.to()) : std::nullopt;
  if (way && way->second.type == RouteType::unreachable) {
    return walk.missing("route, " + std::to_string(table), describe(way->first, way->second),
                        "dropped: no policy encrypts it, or cilium_host is down");
  }
  if (way && walk.route_found(table, walk.to())) return marked_late(walk, peer);
  return unencrypted(walk, peer);
}

}  // namespace

Trace trace_sent(Walk& walk) {
  const auto& kernel = walk.kernel();
  const auto source = kernel.endpoints.find({walk.from()});
  bool on_device = true;
  if (source == kernel.endpoints.end()) {
    const auto finding = "no pod of this node has " + walk.from().to_string();
    if (!walk.is_router(walk.from())) {
      return walk.missing("endpoint", finding,
                          "dropped and counted: forged, pods send from their own addresses alone");
    }
    walk.noted("endpoint", finding);
  } else {
    walk.found("endpoint", describe(source->first, source->second));
    on_device = walk.program(source->second.device, true, "pell_lxc_in",
                             "routes and policies decide in its place");
  }
  for (const auto& network : walk.config().networks()) {
    if (network.pod_cidr.contains(walk.to())) {
      return trace_delivery(walk, "delivered on this node, never encrypted");
    }
  }
  Cidr cidr;
  const auto* peer = peer_of(kernel, walk.to(), cidr);
  if (peer != nullptr && peer->node && !walk.config().host_encryption) peer = nullptr;
  if (peer == nullptr) {
    walk.found("peers", walk.to().to_string() + " is no peer's");
    return unmarked(walk, peer);
  }
  const auto described = describe(PeerEntry::Key{cidr}, *peer);
  if (peer->key_id == 0) {
    return walk.missing("peers", described, "dropped and counted: no key to send there with yet");
  }
  walk.found("peers", described);
  return on_device && !peer->node ? marked(walk, peer->key_id) : unmarked(walk, peer);
}

}  // namespace pellicle
