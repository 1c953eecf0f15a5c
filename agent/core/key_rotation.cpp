#include "agent/core/key_rotation.h"

#include <algorithm>

#include "agent/desired/programmed_key.h"
#include "agent/log.h"

namespace pellicle {

namespace {

// How often a rotation is looked at: five times during `patience`.
std::chrono::milliseconds beat(std::chrono::milliseconds patience) {
  using namespace std::chrono_literals;
  return std::clamp<std::chrono::milliseconds>(patience / 5, 200ms, 10s);
}

}  // namespace

void KeyRotation::resume() {
  auto keys = programmed_keys(kernel_.dump());
  store_.resume_keys(std::move(keys.known), std::move(keys.ids_only));
}

std::optional<std::chrono::milliseconds> KeyRotation::advance(const LastPass& last, Time now) {
  if (!store_.ring().rotating() && !store_.ring().newest()) return std::nullopt;
  KeyRing::Observation seen{.now = now, .announced = {}, .received = kernel_.received()};
  for (const auto& peer : last.desired.cluster.peers) seen.announced[peer.name] = peer.node.key_id;
  const auto self = last.inputs.nodes.find(last.inputs.settings.node_name);
  if (self != last.inputs.nodes.end()) seen.announced[self->first] = self->second.key_id;
  const auto before = store_.ring().older_ids();
  for (const auto& key : store_.retire_keys(seen, patience_)) keys_.retired(key);
  const auto after = store_.ring().older_ids();
  for (const uint8_t id : before) {
    if (!after.contains(id)) log::info("key retired", {{"key", static_cast<int>(id)}});
  }
  if (before != after) return std::chrono::milliseconds(0);
  return store_.ring().rotating() ? std::optional(beat(patience_)) : std::nullopt;
}

std::vector<Problem> KeyRotation::problems(Time now) const {
  std::vector<Problem> problems;
  const auto& ring = store_.ring();
  const auto& rotated = ring.rotated();
  if (!ring.newest() || !rotated || now - *rotated < patience_) return problems;
  for (const uint8_t id : ring.older_ids()) {
    for (const auto& name : ring.lacking(id)) {
      problems.push_back({"Node " + name, "metadata.annotations[network.cilium.io/encryption-key]",
                          "has not announced key " + std::to_string(ring.newest()->id) +
                              " or another newer than " + std::to_string(id) +
                              ", which therefore stays in use"});
    }
  }
  return problems;
}

}  // namespace pellicle
