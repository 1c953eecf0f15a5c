#include "agent/desired/peer_change.h"

#include <algorithm>
#include <tuple>

#include "agent/desired/ways.h"

namespace pellicle {

namespace {

using OwnNetworks = std::map<Family, OwnNetwork>;

// The networks that a Node may claim.
std::vector<Cidr> claimed(const Node& node) {
  std::vector<Cidr> networks;
  for (const auto family : kFamilies) {
    if (const auto cidr = node.pod_cidr(family)) networks.push_back(*cidr);
    if (const auto& address = node.internal_ip(family)) networks.push_back(Cidr::host(*address));
  }
  return networks;
}

bool is_free(const Claims& claims, const Node& node) {
  const auto networks = claimed(node);
  return std::all_of(networks.begin(), networks.end(),
                     [&](const Cidr& each) { return claims.is_free(each, node.name); });
}

// Both use the same SPI and have to resolve that first.
bool contends(const Sender& sender, const Node& node) {
  return std::any_of(node.epochs.begin(), node.epochs.end(), [&](const Epoch& epoch) {
    return std::any_of(sender.epochs.begin(), sender.epochs.end(),
                       [&](const Epoch& own) { return own.spi == epoch.spi; });
  });
}

// Copies from the whole state what compute() looks up for one Node.
class Extract {
 public:
  Extract(const Inputs& last, const KernelState& whole, const OwnNetworks& own)
      : keys_(last), whole_(whole), own_(own) {}

  void add(const Node& node) {
    for (const auto& [family, network] : own_) {
      if (const auto& router = node.router(family)) add_sending(*router);
      add_receiving(network, node);
      const auto cidr = node.pod_cidr(family);
      if (!cidr) continue;
      copy(&KernelState::peers, {*cidr}, found_.peers);
      if (const auto& address = node.internal_ip(family)) {
        add_policies(network,
                     {.name = {}, .pod_cidr = *cidr, .internal_ip = *address, .router = {}});
      }
    }
  }
  Programmed take() { return std::move(found_); }

 private:
  template <class Kind>
  void copy(Table<Kind> KernelState::*table, const typename Kind::Key& key, Table<Kind>& into) {
    const auto found = (whole_.*table).find(key);
    if (found != (whole_.*table).end()) into.insert(*found);
  }

  void add_sending(const IpAddress& router) {
    auto next = whole_.states.lower_bound({.dst = router});
    for (; next != whole_.states.end() && next->first.dst == router; ++next) {
      found_.states.insert(*next);
    }
  }

  void add_receiving(const OwnNetwork& network, const Node& node) {
    for (const auto* key : keys_.known()) {
      for (const auto& epoch : node.epochs) {
        const State::Key at{
            .dst = network.router, .spi = epoch.spi_of(key->id), .mark = kDecryptMark};
        copy(&KernelState::states, at, found_.states);
      }
    }
  }

  void add_policies(const OwnNetwork& network, const Peer& peer) {
    const auto copy_of = [&](const Way& way) {
      for (const auto& at : policies_to(network.pod_cidr, peer, way, keys_.host_encryption())) {
        copy(&KernelState::policies, at, found_.policies);
      }
    };
    copy_of({});
    for (const auto* key : keys_.known()) copy_of({.key_id = key->id, .marked = true});
  }

  Keys keys_;
  const KernelState& whole_;
  const OwnNetworks& own_;
  Programmed found_;
};

// Inputs with this node alone, without its pods, which do not depend on peers.
Inputs alone(const Inputs& last, const OwnNetworks& own) {
  const auto& name = last.settings.node_name;
  Inputs inputs{.settings = last.settings,
                .nodes = {},
                .key = last.key,
                .older_keys = last.older_keys,
                .inherited_keys = {},
                .sender = last.sender,
                .derive = last.derive,
                .programmed = {},
                .endpoints = {},
                .host = last.host,
                .next_hops = {},
                .paths = last.paths};
  inputs.nodes[name] = last.nodes.at(name);
  for (const auto& [family, network] : own) {
    auto& router = family == Family::v4 ? inputs.host.router_ipv4 : inputs.host.router_ipv6;
    router = network.router;
  }
  return inputs;
}

void add_next_hops(const Inputs& last, const Node& node, Inputs& inputs) {
  for (const auto family : kFamilies) {
    const auto& address = node.internal_ip(family);
    const auto known = address ? last.next_hops.find(*address) : last.next_hops.end();
    if (known != last.next_hops.end()) inputs.next_hops.insert(*known);
  }
}

template <class Kind>
constexpr bool kOfPeers = std::is_same_v<Kind, State> || std::is_same_v<Kind, Policy> ||
                          std::is_same_v<Kind, PeerEntry> || std::is_same_v<Kind, Route> ||
                          std::is_same_v<Kind, AddressOwner>;

// True if `whole` has every changed or removed object as in `before`, and none of the new ones.
template <class Kind>
bool fits(const Table<Kind>& before, const Table<Kind>& after, const Table<Kind>& whole) {
  if constexpr (!kOfPeers<Kind>) return before == after;
  for (const auto& [key, value] : before) {
    const auto stays = after.find(key);
    if (stays != after.end() && stays->second == value) continue;
    const auto present = whole.find(key);
    if (present == whole.end() || present->second != value) return false;
  }
  return std::all_of(after.begin(), after.end(), [&](const auto& entry) {
    return before.contains(entry.first) || !whole.contains(entry.first);
  });
}

bool fits(const PeerChange& change, const Desired& whole) {
  for (const auto* desired : {&change.before, &change.after}) {
    if (desired->cluster.own != whole.cluster.own || desired->cluster.disputed) return false;
  }
  bool all = true;
  for_each_table([&](const char*, auto table) {
    all = all && fits(change.before.state.*table, change.after.state.*table, whole.state.*table);
  });
  return all;
}

bool is_urgent(const std::optional<Node>& before, const std::optional<Node>& now) {
  if (!before || !now) return false;
  return std::tie(before->key_id, before->boot_id, before->epochs, before->receives) !=
         std::tie(now->key_id, now->boot_id, now->epochs, now->receives);
}

template <class Kind>
void take_over(const Table<Kind>& before, const Table<Kind>& after, Table<Kind>& whole) {
  for (const auto& [key, value] : before) {
    if (!after.contains(key)) whole.erase(key);
  }
  for (const auto& [key, value] : after) {
    const auto stood = before.find(key);
    if (stood == before.end() || stood->second != value) whole.insert_or_assign(key, value);
  }
}

void take_over(const PeerChange& change, Cluster& cluster) {
  auto& peers = cluster.peers;
  const auto by_name = [](const Peer& peer, const std::string& name) { return peer.name < name; };
  const auto first = std::lower_bound(peers.begin(), peers.end(), change.name, by_name);
  auto last = first;
  while (last != peers.end() && last->name == change.name) ++last;
  const auto at = peers.erase(first, last);
  const auto& now = change.after.cluster.peers;
  peers.insert(at, now.begin(), now.end());

  auto& unready = cluster.unready;
  const auto& gone = change.before.cluster.unready;
  std::erase_if(unready, [&](const Cidr& each) {
    return std::find(gone.begin(), gone.end(), each) != gone.end();
  });
  const auto& come = change.after.cluster.unready;
  unready.insert(unready.end(), come.begin(), come.end());
  std::sort(unready.begin(), unready.end());
  cluster.waiting |= change.after.cluster.waiting;
}

void take_over(const PeerChange& change, std::vector<Problem>& problems) {
  const auto object = "Node " + change.name;
  const auto concerns = [&](const Problem& each) { return each.object == object; };
  std::erase_if(problems, concerns);
  const auto& now = change.after.problems;
  std::copy_if(now.begin(), now.end(), std::back_inserter(problems), concerns);
}

void take_over(const PeerChange& change, const std::optional<Node>& before, Claims& claims) {
  if (before) {
    for (const auto& each : claimed(*before)) claims.release(each, change.name);
  }
  if (!change.node) return;
  for (const auto family : kFamilies) {
    if (const auto& address = change.node->internal_ip(family)) {
      claims.claim_address(*address, change.name);
    }
    if (const auto cidr = change.node->pod_cidr(family)) claims.claim_cidr(*cidr, change.name);
  }
}

std::optional<Node> node_of(const Inputs& inputs, const std::string& name) {
  const auto found = inputs.nodes.find(name);
  return found == inputs.nodes.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace

std::optional<PeerChange> peer_change(const Inputs& last, const Desired& desired,
                                      const std::string& name, const std::optional<Node>& now) {
  const auto& cluster = desired.cluster;
  const bool plain = !cluster.incomplete && !cluster.disputed && !cluster.waiting && cluster.self &&
                     last.inherited_keys.empty();
  if (!plain || name == last.settings.node_name) return std::nullopt;
  if (now && (!is_free(cluster.claims, *now) || contends(last.sender, *now))) return std::nullopt;

  const auto before = node_of(last, name);
  Extract extract(last, desired.state, cluster.own);
  if (before) extract.add(*before);
  if (now) extract.add(*now);
  Inputs inputs = alone(last, cluster.own);
  inputs.programmed = extract.take();
  PeerChange change{.name = name, .node = now, .before = {}, .after = {}};
  for (const auto& each : {before, now}) {
    if (each) add_next_hops(last, *each, inputs);
  }
  if (before) inputs.nodes[name] = *before;
  change.before = compute(inputs);
  inputs.nodes.erase(name);
  if (now) inputs.nodes[name] = *now;
  change.after = compute(inputs);
  change.urgent = is_urgent(before, now) || change.after.cluster.waiting;
  return fits(change, desired) ? std::optional(std::move(change)) : std::nullopt;
}

void take_over(const PeerChange& change, Inputs& last, Desired& desired) {
  for_each_table([&](const char*, auto table) {
    take_over(change.before.state.*table, change.after.state.*table, desired.state.*table);
  });
  take_over(change, desired.cluster);
  take_over(change, desired.problems);
  take_over(change, desired.cluster.problems);
  take_over(change, node_of(last, change.name), desired.cluster.claims);
  last.nodes.erase(change.name);
  if (change.node) last.nodes[change.name] = *change.node;
}

}  // namespace pellicle
