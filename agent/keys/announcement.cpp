#include "agent/keys/announcement.h"

#include <algorithm>
#include <map>

#include "agent/desired/ways.h"

namespace pellicle {

namespace {

bool is_receiving(const State::Key& key) {
  return key.mark == kDecryptMark;
}

// True if the kernel refused a receiving state for which `concerns` is true.
template <class Concerns>
bool refused(const std::vector<Refusal>& refusals, const Concerns& concerns) {
  return std::any_of(refusals.begin(), refusals.end(), [&](const Refusal& refusal) {
    const auto* change = std::get_if<Change<State>>(&refusal.operation);
    return change && is_receiving(change->key) && concerns(change->key);
  });
}

// SPI -> sources of the receiving states.
std::multimap<uint32_t, IpAddress> heard(const KernelState& desired) {
  std::multimap<uint32_t, IpAddress> senders;
  for (const auto& [key, state] : desired.states) {
    if (is_receiving(key)) senders.emplace(key.spi, state.src);
  }
  return senders;
}

bool receives(const PassResult& pass, const std::multimap<uint32_t, IpAddress>& heard,
              const Peer& peer, uint32_t spi) {
  const auto [first, last] = heard.equal_range(spi);
  const bool desired =
      std::any_of(first, last, [&](const auto& entry) { return entry.second == peer.router; });
  return desired && !refused(pass.refusals, [&](const State::Key& key) { return key.spi == spi; });
}

}  // namespace

std::optional<uint8_t> announced_key(const PassResult& pass) {
  const auto& inputs = pass.inputs;
  const auto& newest = inputs.key;
  const auto self = inputs.nodes.find(inputs.settings.node_name);
  const auto before = self == inputs.nodes.end() ? std::nullopt : self->second.key_id;
  if (!newest) return before;
  const bool rotating = !inputs.older_keys.empty() || !inputs.inherited_keys.empty();
  if (!rotating || before == newest->id) return newest->id;
  if (refused(pass.refusals, [&](const State::Key& key) { return key_id_of(key) == newest->id; })) {
    return before;
  }
  if (!newest->per_pair) return newest->id;
  const Keys keys(inputs);
  const auto& peers = pass.cluster.peers;
  const bool all = std::all_of(peers.begin(), peers.end(),
                               [&](const Peer& peer) { return keys.has_pair_key(peer); });
  return all ? newest->id : before;
}

std::set<uint32_t> received_epochs(const PassResult& pass) {
  std::set<uint32_t> spis;
  const auto keys = Keys(pass.inputs).known();
  std::optional<std::multimap<uint32_t, IpAddress>> senders;  // rarely needed
  for (const auto& peer : pass.cluster.peers) {
    if (peer.node.epochs.size() < 2) continue;
    if (!senders) senders = heard(pass.desired);
    const auto& newest = peer.node.epochs.back();
    const bool all = std::all_of(keys.begin(), keys.end(), [&](const IpsecKey* key) {
      return !key->per_pair || receives(pass, *senders, peer, newest.spi_of(key->id));
    });
    if (all) spis.insert(newest.spi);
  }
  return spis;
}

bool may_send(const Inputs& inputs, const Cluster& cluster) {
  if (!inputs.key || !inputs.key->per_pair || inputs.sender.settled) return true;
  const auto& peers = cluster.peers;
  return !peers.empty() &&
         std::all_of(peers.begin(), peers.end(), [](const Peer& peer) { return peer.key_id != 0; });
}

}  // namespace pellicle
