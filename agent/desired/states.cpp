#include <algorithm>
#include <set>

#include "agent/desired/local_view.h"

namespace pellicle {

namespace {

// One key on all nodes: the SPI is the key id and the replay window is 0, as Cilium sets them.
State shared_state(const IpAddress& src, Mark output_mark, const Algorithm& algorithm) {
  return {.src = src, .reqid = kReqId, .output_mark = output_mark, .algorithm = algorithm};
}

State pair_state(const IpAddress& src, Mark output_mark, Algorithm algorithm) {
  return {.src = src,
          .reqid = kReqId,
          .output_mark = output_mark,
          .algorithm = std::move(algorithm),
          .replay_window = kPairReplayWindow,
          .esn = true};
}

void add_shared(const FamilyView& own, const IpsecKey& key, Table<State>& table) {
  table.emplace(State::Key{.dst = own.router, .spi = key.id, .mark = kDecryptMark},
                shared_state(IpAddress::any(own.family()), kDecryptMark, key.algorithm));
  for (const Peer& peer : own.peers) {
    table.emplace(State::Key{.dst = peer.router, .spi = key.id, .mark = encrypt_mark(key.id)},
                  shared_state(own.router, kEncryptMark, key.algorithm));
  }
}

// The newest epoch's state exists before anything is sent with it; older epochs' as long as they
// are used.
void add_sending(const FamilyView& own, const Peer& peer, const IpsecKey& key, const Keys& keys,
                 Table<State>& table) {
  const auto& epochs = keys.sender().epochs;
  for (const auto& epoch : epochs) {
    const auto way = keys.pair_way(key, peer, epoch);
    const bool used = std::find(peer.ways.begin(), peer.ways.end(), way) != peer.ways.end();
    if (!used && epoch != epochs.back()) continue;
    table.emplace(State::Key{.dst = peer.router, .spi = way.spi, .mark = way.mark()},
                  pair_state(own.router, kEncryptMark, keys.sending(key, own.router, peer, epoch)));
  }
}

void add_receiving(const FamilyView& own, const Peer& peer, const IpsecKey& key, const Keys& keys,
                   Table<State>& table) {
  const auto& programmed = keys.programmed().states;
  for (const auto& epoch : peer.node.epochs) {
    const State::Key at{.dst = own.router, .spi = epoch.spi_of(key.id), .mark = kDecryptMark};
    const auto present = programmed.find(at);
    const bool heard = present != programmed.end() && present->second.src == peer.router;
    if (table.contains(at) && !heard) continue;
    table[at] = pair_state(peer.router, kDecryptMark, keys.receiving(key, own.router, peer, epoch));
  }
}

// If two senders use the same SPI, the one whose state is installed keeps it, else the older Node.
// The younger picks another SPI.
std::vector<const Peer*> by_age(const FamilyView& own) {
  std::vector<const Peer*> peers;
  for (const Peer& peer : own.peers) peers.push_back(&peer);
  std::sort(peers.begin(), peers.end(),
            [](const Peer* a, const Peer* b) { return older(a->node, b->node); });
  return peers;
}

void add_pairs(const FamilyView& own, const IpsecKey& key, const Keys& keys, Table<State>& table) {
  for (const auto* peer : by_age(own)) {
    if (!keys.has_pair_key(*peer)) continue;
    add_receiving(own, *peer, key, keys, table);
    add_sending(own, *peer, key, keys, table);
  }
}

bool is_of_any(const std::vector<Epoch>& epochs, uint32_t spi) {
  return std::any_of(epochs.begin(), epochs.end(),
                     [&](const Epoch& epoch) { return is_of(epoch, spi); });
}

bool is_way(const Peer& peer, const State::Key& key) {
  const Way way{.key_id = key_id_of(key), .spi = key.spi, .marked = key.mark != Mark{}};
  return std::find(peer.ways.begin(), peer.ways.end(), way) != peer.ways.end();
}

// For keys whose bytes are unknown: keeps the installed states that peers still need.
void add_inherited(const FamilyView& own, const Keys& keys, Table<State>& table) {
  if (keys.inherited().empty()) return;
  std::map<IpAddress, const Peer*> peers;
  for (const Peer& peer : own.peers) peers[peer.router] = &peer;
  for (const auto& [key, state] : keys.programmed().states) {
    if (!keys.inherited().contains(key_id_of(key))) continue;
    const bool receives = key.mark == kDecryptMark;
    if ((receives ? key.dst : state.src) != own.router) continue;
    const auto peer = peers.find(receives ? state.src : key.dst);
    const bool of_all = receives && state.src.is_any();
    const bool of_peer =
        peer != peers.end() &&
        (receives ? is_of_any(peer->second->node.epochs, key.spi) : is_way(*peer->second, key));
    if (of_all || of_peer) table.emplace(key, state);
  }
}

// A peer whose Node is gone, or lacks something, may return. Its sending states then go on
// counting. Made anew with the same key they would count from zero, so this node would have to
// begin an epoch for all its peers. No policy leads to them meanwhile.
void add_absent(const FamilyView& own, const Keys& keys, Table<State>& table) {
  constexpr size_t kMost = 1024;  // about a kilobyte of the kernel's memory each
  std::set<IpAddress> present;
  for (const Peer& peer : own.peers) {
    if (keys.has_pair_key(peer)) present.insert(peer.router);
  }
  std::set<uint8_t> ids;
  for (const auto* key : keys.known()) {
    if (key->per_pair) ids.insert(key->id);
  }
  size_t kept = 0;
  for (const auto& [key, state] : keys.programmed().states) {
    const bool sends = state.esn && key.mark != kDecryptMark && state.src == own.router;
    if (!sends || present.contains(key.dst) || !ids.contains(key_id_of(key))) continue;
    if (is_of_any(keys.sender().epochs, key.spi) && ++kept <= kMost) table.emplace(key, state);
  }
}

}  // namespace

Table<State> states(const LocalView& view) {
  Table<State> table;
  for (const auto& own : view.families) {
    for (const auto* key : view.keys.known()) {
      if (key->per_pair) {
        add_pairs(own, *key, view.keys, table);
      } else {
        add_shared(own, *key, table);
      }
    }
    add_inherited(own, view.keys, table);
    add_absent(own, view.keys, table);
  }
  return table;
}

}  // namespace pellicle
