// A packet from a peer's pod to a pod of this node.
#include <algorithm>

#include "agent/trace/walk.h"

namespace pellicle {

namespace {

// The router address of the sending pod's node, from the template of an OUT policy to that pod.
std::optional<IpAddress> sending_router(const Walk& walk) {
  for (const auto& [key, policy] : walk.kernel().policies) {
    if (key.direction == Direction::out && policy.tmpl && key.dst.contains(walk.from())) {
      return policy.tmpl->dst;
    }
  }
  return std::nullopt;
}

// Counts the states that can decrypt packets from `sender`, including those that accept any source;
// without `sender`, from any peer. The packet's SPI, which is unknown here, selects one of them.
size_t receiving_states(const Walk& walk, const IpAddress& router,
                        const std::optional<IpAddress>& sender) {
  const auto& states = walk.kernel().states;
  return static_cast<size_t>(std::count_if(states.begin(), states.end(), [&](const auto& entry) {
    const auto& [key, state] = entry;
    return key.dst == router && key.mark == kDecryptMark &&
           (!sender || state.src.is_any() || state.src == *sender);
  }));
}

// A decrypted packet for a pod is unmarked and forwarded, so the kernel checks FWD policies, not IN
// policies.
const Table<Policy>::value_type* forward_policy(const Walk& walk) {
  const Table<Policy>::value_type* first = nullptr;
  for (const auto& entry : walk.kernel().policies) {
    const auto& key = entry.first;
    if (key.direction != Direction::fwd || key.mark.value != 0 || !key.src.contains(walk.from()) ||
        !key.dst.contains(walk.to())) {
      continue;
    }
    if (!first || entry.second.priority < first->second.priority) first = &entry;
  }
  return first;
}

}  // namespace

Trace trace_received(Walk& walk) {
  const auto& config = walk.config();
  const auto networks = config.networks();
  const auto own = std::find_if(networks.begin(), networks.end(), [&](const auto& network) {
    return network.pod_cidr.contains(walk.to());
  });
  if (!walk.uplink_program(true, "ESP is not handed to XFRM")) {
    return walk.ended(TraceEnd::dropped, "dropped: ESP for this node is not handed to XFRM");
  }
  if (!walk.mark_rule(kDecryptMark)) {
    return walk.missing("rule", "no rule leads mark 0xd00 to table 200",
                        "dropped: ESP for this node is not taken for its own");
  }
  if (!walk.route_found(kEncryptTable, own->router)) {
    return walk.missing("route, 200", "no local route in table 200",
                        "dropped: ESP for this node is not taken for its own");
  }
  const auto sender = sending_router(walk);
  const auto whose =
      (sender ? " from " + sender->to_string() : "") + " at " + own->router.to_string();
  const auto states = receiving_states(walk, own->router, sender);
  if (states == 0) {
    return walk.missing("state", "no state receives" + whose,
                        "dropped: nothing can decrypt (XfrmInNoStates)");
  }
  walk.found("state", std::to_string(states) + " receiving" + whose);
  const auto* policy = forward_policy(walk);
  if (policy == nullptr) {
    return walk.missing("policy", "no FWD policy for it",
                        "dropped: decrypted, and no policy takes it (XfrmInNoPols)");
  }
  walk.found("policy", describe(policy->first, policy->second));
  return trace_delivery(walk, "decrypted and delivered");
}

}  // namespace pellicle
