// What a peer's pod sends to one of this node.
#include <algorithm>

#include "agent/trace/walk.h"

namespace pellicle {

namespace {

// Any state that receives at this node's router address: which one a packet needs, its SPI says.
size_t receiving_states(const Walk& walk, const IpAddress& router) {
  const auto& states = walk.kernel().states;
  return static_cast<size_t>(std::count_if(states.begin(), states.end(), [&](const auto& entry) {
    return entry.first.dst == router && entry.first.mark == kDecryptMark;
  }));
}

const Table<Policy>::value_type* policy_of(const Walk& walk, Direction direction) {
  for (const auto& entry : walk.kernel().policies) {
    const auto& key = entry.first;
    if (key.direction == direction && key.src.contains(walk.from()) &&
        key.dst.contains(walk.to())) {
      return &entry;
    }
  }
  return nullptr;
}

}  // namespace

Trace trace_received(Walk& walk) {
  const auto& config = walk.config();
  const auto networks = config.networks();
  const auto own = std::find_if(networks.begin(), networks.end(), [&](const auto& network) {
    return network.pod_cidr.contains(walk.to());
  });
  if (!walk.program(config.uplink, true, "pell_uplink_in", "ESP is not handed to XFRM")) {
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
  const auto states = receiving_states(walk, own->router);
  if (states == 0) {
    return walk.missing("state", "no state receives at " + own->router.to_string(),
                        "dropped: nothing can decrypt (XfrmInNoStates)");
  }
  walk.found("state", std::to_string(states) + " receiving at " + own->router.to_string());
  for (const auto direction : {Direction::in, Direction::fwd}) {
    const auto* policy = policy_of(walk, direction);
    const std::string name = direction == Direction::in ? "IN" : "FWD";
    if (policy == nullptr) {
      return walk.missing("policy", "no " + name + " policy for it",
                          "dropped: decrypted, and no policy takes it (XfrmInNoPols)");
    }
    walk.found("policy", describe(policy->first, policy->second));
  }
  return trace_delivery(walk, "decrypted and delivered");
}

}  // namespace pellicle
