#include "agent/desired/ways.h"

#include <algorithm>

namespace pellicle {

namespace {

State::Key state_key(const Peer& peer, const Way& way) {
  return {.dst = peer.router, .spi = way.spi, .mark = way.mark()};
}

// Finds the ways to one peer.
class Chooser {
 public:
  Chooser(const Keys& keys, const OwnNetwork& own, const Peer& peer, bool began_anew)
      : keys_(keys), own_(own), peer_(peer), began_anew_(began_anew) {}

  std::vector<Way> ways() {
    std::vector<Way> found;
    const auto add = [&](const std::optional<Way>& way) {
      if (way) found.push_back(*way);
    };
    for (const auto id : keys_.inherited()) add(inherited(id));
    for (const auto* key : keys_.known()) {
      add(key->per_pair ? of_pair(*key) : Way{.key_id = key->id, .spi = key->id, .marked = true});
    }
    return found;
  }

  uint8_t key_id(const std::vector<Way>& ways) {
    const auto now = in_use(ways);
    const bool works_now = now && works(*now);
    const auto wanted = announced(ways, works_now ? now : std::nullopt);
    if (!wanted) return 0;
    if (works_now && wanted != now && !is_ready(*wanted)) {
      waiting_ = true;
      return now->key_id;
    }
    return wanted->key_id;
  }

  bool waiting() const { return waiting_; }

 private:
  std::optional<Way> announced(const std::vector<Way>& ways, const std::optional<Way>& now) {
    const auto& id = peer_.node.key_id;
    if (id) {
      if (const auto way = of_id(ways, *id)) return way;
    } else if (!now && !ways.empty() && ways.back().spi == ways.back().key_id) {
      return ways.back();  // one key on every node, so also on a node that does not announce it
    }
    return now;
  }

  static std::optional<Way> of_id(const std::vector<Way>& ways, uint8_t id) {
    const auto found =
        std::find_if(ways.begin(), ways.end(), [&](const Way& way) { return way.key_id == id; });
    return found == ways.end() ? std::nullopt : std::optional(*found);
  }

  // Packets carry the mark of the peer's map entry, and a policy with that mark takes precedence.
  // If there is none, the policy without a mark decides.
  std::optional<Way> in_use(const std::vector<Way>& ways) const {
    const auto& peers = keys_.programmed().peers;
    const auto entry = peers.find({peer_.pod_cidr});
    if (entry != peers.end()) {
      const auto marked = of_id(ways, entry->second.key_id);
      if (marked && marked->marked) return marked;
    }
    const auto* leads = policy(Mark{});
    if (leads == nullptr) return std::nullopt;
    const auto way = of_id(ways, id_of_spi(leads->tmpl->spi));
    return way && !way->marked ? way : std::nullopt;
  }

  // True if packets may move to this way. Policies with its mark must exist, including those to the
  // node. Policies without a mark are replaced in the pass that follows.
  bool is_ready(const Way& way) {
    if (!way.marked) return has_right_state(way);
    const auto selectors = policies_to(own_.pod_cidr, peer_, way, keys_.host_encryption());
    return works(way) &&
           std::all_of(selectors.begin(), selectors.end(), [&](const Policy::Key& key) {
             const auto* leads = policy(key);
             return leads && leads->tmpl->spi == way.spi;
           });
  }

  const Policy* policy(const Mark& mark) const {
    return policy(
        {.direction = Direction::out, .src = own_.pod_cidr, .dst = peer_.pod_cidr, .mark = mark});
  }

  const Policy* policy(const Policy::Key& key) const {
    const auto& policies = keys_.programmed().policies;
    const auto found = policies.find(key);
    return found != policies.end() && found->second.tmpl ? &found->second : nullptr;
  }

  const State* state(const Way& way) const {
    const auto& states = keys_.programmed().states;
    const auto found = states.find(state_key(peer_, way));
    return found == states.end() ? nullptr : &found->second;
  }

  // The kernel has the state with the right key, packets are already sent with its epoch, and the
  // peer has not lost its receiving states.
  bool works(const Way& way) {
    const auto known = working_.find(way);
    if (known != working_.end()) return known->second;
    return working_[way] = looks_right(way);
  }

  bool looks_right(const Way& way) const {
    if (began_anew_ || !has_right_state(way)) return false;
    const auto* leads = policy(way.mark());
    if (!leads) return false;
    // One policy serves the epoch's states of all keys, unless it has the mark of one key.
    return way.marked ? leads->tmpl->spi == way.spi : same_epoch(leads->tmpl->spi, way.spi);
  }

  bool has_right_state(const Way& way) const {
    const auto* sends = state(way);
    return sends && has_right_key(way, *sends);
  }

  bool has_right_key(const Way& way, const State& present) const {
    for (const auto* key : keys_.known()) {
      if (key->id != way.key_id) continue;
      if (!key->per_pair) return same_algorithm(key->algorithm, present.algorithm);
      for (const auto& epoch : keys_.sender().epochs) {
        if (epoch.spi_of(key->id) != way.spi) continue;
        return same_algorithm(keys_.sending(*key, own_.router, peer_, epoch), present.algorithm);
      }
    }
    return keys_.inherited().contains(way.key_id);
  }

  std::optional<Way> inherited(uint8_t id) const {
    if (began_anew_) return std::nullopt;
    for (const bool marked : {true, false}) {
      const auto* leads = policy(marked ? encrypt_mark(id) : Mark{});
      if (!leads || (!marked && id_of_spi(leads->tmpl->spi) != id)) continue;
      const Way way{.key_id = id, .spi = leads->tmpl->spi, .marked = marked};
      if (state(way)) return way;
    }
    return std::nullopt;
  }

  // Uses the newest epoch that the peer can receive, of those whose state need not be recreated.
  std::optional<Way> of_pair(const IpsecKey& key) {
    const auto& epochs = keys_.sender().epochs;
    if (!keys_.has_pair_key(peer_) || epochs.empty()) return std::nullopt;
    const auto newest = keys_.pair_way(key, peer_, epochs.back());
    std::optional<Way> older;
    for (const auto& epoch : epochs) {
      const auto way = keys_.pair_way(key, peer_, epoch);
      if (way != newest && works(way)) older = way;
    }
    if (works(newest)) return newest;
    const bool heard = keys_.sender().settled || peer_.node.receives.contains(epochs.back().spi);
    if (!heard) return older;
    if (older && !has_right_state(newest)) {
      waiting_ = true;
      return older;
    }
    return newest;
  }

  const Keys& keys_;
  const OwnNetwork& own_;
  const Peer& peer_;
  bool began_anew_;
  std::map<Way, bool> working_;  // cached: each answer derives a key
  bool waiting_ = false;
};

// Peers with receiving states in the kernel, none of them of an epoch that the peer announces now:
// the peer was cleaned up and installed again, or lost all states while no agent ran. This is
// visible only until the states here are replaced. By then a peer that cannot be sent to with the
// key it announces has no way in use, and needs none that "works".
std::set<IpAddress> beginners(const Programmed& programmed, const std::vector<Peer>& peers) {
  std::vector<std::pair<IpAddress, uint32_t>> heard;  // source, SPI of key id 0
  for (const auto& [key, state] : programmed.states) {
    if (key.mark == kDecryptMark && state.esn) {
      heard.emplace_back(state.src, key.spi - key_id_of(key));
    }
  }
  std::sort(heard.begin(), heard.end());
  std::set<IpAddress> anew;
  for (const auto& peer : peers) {
    const auto first = std::lower_bound(heard.begin(), heard.end(), std::pair(peer.router, 0U));
    if (first == heard.end() || first->first != peer.router) continue;
    const auto& epochs = peer.node.epochs;
    const bool known = std::any_of(epochs.begin(), epochs.end(), [&](const Epoch& epoch) {
      return std::binary_search(first, heard.end(), std::pair(peer.router, epoch.spi));
    });
    if (!known) anew.insert(peer.router);
  }
  return anew;
}

void report_unknown_ends(const Keys& keys, const Peer& peer, Cluster& cluster) {
  const auto known = keys.known();
  if (known.empty() || !known.back()->per_pair || keys.has_pair_key(peer)) return;
  cluster.problems.push_back(
      {"Node " + peer.name, "metadata.annotations[pellicle.io/boot-id]",
       "no boot id and no SPI of it, without which there is no key for the pair; packets to its "
       "pods are dropped until its agent publishes them"});
}

}  // namespace

const Way* Peer::way() const {
  const auto found =
      std::find_if(ways.begin(), ways.end(), [&](const Way& way) { return way.key_id == key_id; });
  return found == ways.end() ? nullptr : &*found;
}

std::vector<Policy::Key> policies_to(const Cidr& own_pods, const Peer& peer, const Way& way,
                                     bool host_encryption) {
  const auto key = [](const Cidr& src, const Cidr& dst, const Mark& mark) {
    return Policy::Key{.direction = Direction::out, .src = src, .dst = dst, .mark = mark};
  };
  std::vector<Policy::Key> keys = {key(own_pods, peer.pod_cidr, way.mark())};
  if (!host_encryption) return keys;
  const auto any = Cidr::any(own_pods.family());
  const auto node = Cidr::host(peer.internal_ip);
  keys.push_back(key(any, peer.pod_cidr, way.mark()));  // from any of the node's addresses
  if (way.marked) {
    keys.push_back(key(any, node, way.mark()));
  } else if (peer.accepts_host_encryption) {
    for (const auto& mark : {kPodMark, kLocalDecryptedMark}) keys.push_back(key(any, node, mark));
  }
  return keys;
}

Way Keys::pair_way(const IpsecKey& key, const Peer& peer, const Epoch& epoch) const {
  const Way plain{.key_id = key.id, .spi = epoch.spi_of(key.id)};
  const Way marked{.key_id = plain.key_id, .spi = plain.spi, .marked = true};
  const auto& states = programmed().states;
  if (states.contains(state_key(peer, plain))) return plain;
  if (states.contains(state_key(peer, marked))) return marked;
  return inputs_->settings.marked_policies ? marked : plain;
}

std::vector<const IpsecKey*> Keys::known() const {
  std::vector<const IpsecKey*> all;
  for (const auto& key : inputs_->older_keys) all.push_back(&key);
  if (inputs_->key) all.push_back(&*inputs_->key);
  return all;
}

bool Keys::any_of_pairs() const {
  const auto keys = known();
  return !inherited().empty() ||
         std::any_of(keys.begin(), keys.end(), [](const IpsecKey* key) { return key->per_pair; });
}

bool Keys::any_of_all() const {
  const auto keys = known();
  return std::any_of(keys.begin(), keys.end(), [](const IpsecKey* key) { return !key->per_pair; });
}

Algorithm Keys::sending(const IpsecKey& key, const IpAddress& own, const Peer& peer,
                        const Epoch& epoch) const {
  return inputs_->derive(key.algorithm, {.src = own,
                                         .dst = peer.router,
                                         .src_boot_id = sender().boot_id,
                                         .dst_boot_id = peer.node.boot_id,
                                         .generation = epoch.generation});
}

Algorithm Keys::receiving(const IpsecKey& key, const IpAddress& own, const Peer& peer,
                          const Epoch& epoch) const {
  return inputs_->derive(key.algorithm, {.src = peer.router,
                                         .dst = own,
                                         .src_boot_id = peer.node.boot_id,
                                         .dst_boot_id = sender().boot_id,
                                         .generation = epoch.generation});
}

bool Keys::has_pair_key(const Peer& peer) const {
  return inputs_->derive && !sender().boot_id.empty() && !peer.node.boot_id.empty() &&
         !peer.node.epochs.empty();
}

void choose_ways(const Inputs& inputs, Cluster& cluster) {
  const Keys keys(inputs);
  const auto anew = beginners(inputs.programmed, cluster.peers);
  for (auto& peer : cluster.peers) {
    report_unknown_ends(keys, peer, cluster);
    const auto own = cluster.own.find(peer.router.family());
    if (own == cluster.own.end()) continue;
    Chooser chooser(keys, own->second, peer, anew.contains(peer.router));
    auto ways = chooser.ways();
    peer.key_id = chooser.key_id(ways);
    peer.ways = std::move(ways);
    cluster.waiting |= chooser.waiting();
  }
}

}  // namespace pellicle
