#include "agent/desired/programmed_key.h"

#include <algorithm>

#include "agent/desired/ways.h"

namespace pellicle {

namespace {

constexpr uint32_t kLastSharedSpi = 15;  // shared keys' SPI is the key id; pairs' are far above

bool withheld(const Algorithm& algorithm) {
  if (const auto* aead = std::get_if<Aead>(&algorithm)) return aead->key.all_zero();
  const auto& pair = std::get<AuthEnc>(algorithm);
  return pair.auth_key.all_zero() || pair.enc_key.all_zero();
}

}  // namespace

ProgrammedKeys programmed_keys(const KernelState& actual) {
  ProgrammedKeys keys;
  std::set<uint8_t> ids;
  for (const auto& [key, state] : actual.states) {
    const auto id = key_id_of(key);
    if (id == 0) continue;
    if (key.mark != kDecryptMark || key.spi > kLastSharedSpi || withheld(state.algorithm)) {
      keys.ids_only.insert(id);
    } else if (ids.insert(id).second) {
      keys.known.push_back({.id = id, .algorithm = state.algorithm});
    }
  }
  for (const auto id : ids) keys.ids_only.erase(id);
  return keys;
}

bool contradicts_programmed(const Inputs& inputs) {
  if (!inputs.key) return false;
  if (!inputs.key->per_pair) {  // pair keys already use the id
    const auto& states = inputs.programmed.states;
    return std::any_of(states.begin(), states.end(), [&](const auto& entry) {
      return key_id_of(entry.first) == inputs.key->id && entry.first.spi > kLastSharedSpi;
    });
  }
  const auto known = cluster(inputs);
  const Keys keys(inputs);
  bool compared = false;
  for (const auto& peer : known.peers) {
    const auto own = known.own.find(peer.router.family());
    if (own == known.own.end() || !keys.has_pair_key(peer)) continue;
    for (const auto& epoch : inputs.sender.epochs) {
      const auto way = keys.pair_way(*inputs.key, peer, epoch);
      const auto present =
          inputs.programmed.states.find({.dst = peer.router, .spi = way.spi, .mark = way.mark()});
      if (present == inputs.programmed.states.end()) continue;
      compared = true;
      const auto wanted = keys.sending(*inputs.key, own->second.router, peer, epoch);
      if (same_algorithm(wanted, present->second.algorithm)) return false;
    }
  }
  return compared;
}

}  // namespace pellicle
