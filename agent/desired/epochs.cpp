#include "agent/desired/epochs.h"

#include <algorithm>

namespace pellicle {

namespace {

constexpr uint32_t kBase = 0x10000000;
constexpr uint32_t kNumbers = 0xffffff;  // 24 bits, between the first digit and the key id

// FNV-1a; any hash that distributes well would do.
uint32_t scattered(const IpAddress& router, const std::string& boot_id, uint64_t salt) {
  uint32_t hash = 2166136261;
  const auto add = [&](uint8_t byte) { hash = (hash ^ byte) * 16777619; };
  for (size_t i = 0; i < router.size(); ++i) add(router.data()[i]);
  for (const char c : boot_id) add(static_cast<uint8_t>(c));
  for (int shift = 0; shift < 64; shift += 8) add(static_cast<uint8_t>(salt >> shift));
  return hash ^ hash >> 24;
}

bool leads_to(const Policy& policy, const Epoch& epoch) {
  return policy.tmpl && is_of(epoch, policy.tmpl->spi);
}

}  // namespace

Epoch epoch_of(const IpAddress& router, const std::string& boot_id, uint64_t generation,
               const std::set<uint32_t>& taken) {
  Epoch epoch{.generation = generation};
  uint64_t salt = generation;
  do {
    epoch.spi = kBase | (scattered(router, boot_id, salt++) & kNumbers) << 4;
  } while (taken.contains(epoch.spi));
  return epoch;
}

std::set<uint32_t> others_spis(const Inputs& inputs) {
  std::set<uint32_t> spis;
  for (const auto& [name, node] : inputs.nodes) {
    if (name == inputs.settings.node_name) continue;
    for (const auto& epoch : node.epochs) spis.insert(epoch.spi);
  }
  return spis;
}

Contest contest(const Inputs& inputs) {
  const auto self = inputs.nodes.find(inputs.settings.node_name);
  if (self == inputs.nodes.end() || inputs.sender.epochs.empty()) return Contest::none;
  const auto newest = inputs.sender.epochs.back().spi;
  auto found = Contest::none;
  for (const auto& [name, node] : inputs.nodes) {
    const bool claims =
        name != self->first && std::any_of(node.epochs.begin(), node.epochs.end(),
                                           [&](const Epoch& epoch) { return epoch.spi == newest; });
    if (claims) found = std::max(found, older(node, self->second) ? Contest::lost : Contest::won);
  }
  return found;
}

std::vector<Epoch> needed_epochs(const Inputs& inputs) {
  auto epochs = inputs.sender.epochs;
  if (epochs.size() < 2) return epochs;
  const auto known = cluster(inputs);
  const auto newest = epochs.back();
  const bool heard = std::all_of(known.peers.begin(), known.peers.end(), [&](const Peer& peer) {
    return peer.node.epochs.empty() || peer.node.receives.contains(newest.spi);
  });
  if (!heard) return epochs;
  const auto& policies = inputs.programmed.policies;
  std::erase_if(epochs, [&](const Epoch& epoch) {
    return epoch != newest &&
           std::none_of(policies.begin(), policies.end(),
                        [&](const auto& entry) { return leads_to(entry.second, epoch); });
  });
  return epochs;
}

}  // namespace pellicle
