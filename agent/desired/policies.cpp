#include <algorithm>

#include "agent/desired/local_view.h"

namespace pellicle {

namespace {

// As `ip xfrm policy` shows Cilium's forward policy.
constexpr uint32_t kForwardPriority = 2975;
constexpr uint32_t kPeerForwardPriority = 2974;  // looked up before it
constexpr Mark kForwardMark{0, 0xf00};

Policy receiving(const FamilyView& own, bool optional, uint32_t priority) {
  return {.priority = priority,
          .tmpl = Policy::Template{.src = IpAddress::any(own.family()),
                                   .dst = own.router,
                                   .reqid = kReqId,
                                   .optional = optional}};
}

Policy sending(const FamilyView& own, const Peer& peer, const Way& way) {
  return {.priority = way.marked ? 0 : kPeerPriority,
          .tmpl = Policy::Template{
              .src = own.router, .dst = peer.router, .spi = way.spi, .reqid = kReqId}};
}

Policy block(uint32_t priority) {
  return {.block = true, .priority = priority};
}

void add_receiving(const FamilyView& own, Table<Policy>& table) {
  const auto receive = [&](Direction direction, const Cidr& dst, Mark mark, const Policy& policy) {
    table.emplace(
        Policy::Key{
            .direction = direction, .src = Cidr::any(own.family()), .dst = dst, .mark = mark},
        policy);
  };
  receive(Direction::in, own.local_cidr, kDecryptMark, receiving(own, false, 0));
  receive(Direction::in, own.local_cidr, kLocalDecryptedMark, receiving(own, true, 0));
  receive(Direction::fwd, own.local_cidr, kForwardMark, receiving(own, true, kForwardPriority));
  // For packets to the node itself and, with NodePorts and masqueraded connections, to pods behind
  // it: the kernel compares the addresses before NAT. Present whatever this node's own setting is,
  // so that each node can be switched on its own.
  if (!own.address) return;
  const auto node = Cidr::host(*own.address);
  receive(Direction::in, node, kLocalDecryptedMark, receiving(own, true, 0));
  receive(Direction::fwd, node, kForwardedMark, receiving(own, true, 0));
  // MASQUERADE takes cilium_host's own address, which for IPv6 has the scope that it looks for.
  if (own.family() == Family::v6) {
    receive(Direction::fwd, Cidr::host(own.router), kForwardedMark, receiving(own, true, 0));
  }
}

// A packet forwarded from a peer's pod to this node's pods must come from that peer's state. The
// kernel enforces this even without the eBPF programs. Requires that every state names its peer
// (pair keys only), and that the peer announces that it encrypts.
void add_forwarding(const FamilyView& own, const LocalView& view, Table<Policy>& table) {
  const bool of_pairs =
      view.keys.any_of_pairs() && !view.keys.any_of_all() && view.keys.inherited().empty();
  if (!of_pairs || view.strict_ingress != ClearText::is_dropped) return;
  for (const Peer& peer : own.peers) {
    if (!peer.node.encrypts_pods) continue;
    table.emplace(
        Policy::Key{.direction = Direction::fwd,
                    .src = peer.pod_cidr,
                    .dst = own.local_cidr,
                    .mark = kForwardMark},
        Policy{.priority = kPeerForwardPriority,
               .tmpl = Policy::Template{.src = peer.router, .dst = own.router, .reqid = kReqId}});
  }
}

// A connection that was masqueraded for the uplink ends as soon as it leaves by another device
// (6.1, nf_nat_oif_changed). This policy passes such packets before NAT; policies select them after
// NAT, where the kernel looks up again anyway.
void add_before_nat(const FamilyView& own, bool host_encryption, Table<Policy>& table) {
  const auto any = Cidr::any(own.family());
  table.emplace(Policy::Key{.direction = Direction::out,
                            .src = host_encryption ? any : own.local_cidr,
                            .dst = any,
                            .mark = kBeforeNatMark},
                Policy{.priority = kBeforeNatPriority});
}

// Without any key, installed objects stay: policies with a mark may lead to this peer.
bool goes_on_marked(const FamilyView& own, const Peer& peer, const Keys& keys) {
  if (!keys.empty()) return false;
  const auto& policies = keys.programmed().policies;
  return std::any_of(policies.begin(), policies.end(), [&](const auto& entry) {
    const auto& key = entry.first;
    return key.direction == Direction::out && key.src == own.local_cidr &&
           key.dst == peer.pod_cidr && key.mark.value != 0;
  });
}

void add_sending(const FamilyView& own, const Keys& keys, bool host_encryption,
                 Table<Policy>& table) {
  for (const Peer& peer : own.peers) {
    const auto add = [&](const Way& way, const Policy& policy) {
      for (const auto& key : policies_to(own.local_cidr, peer, way, host_encryption)) {
        table.emplace(key, policy);
      }
    };
    for (const auto& way : peer.ways) {
      if (way.marked) add(way, sending(own, peer, way));
    }
    const auto* way = peer.way();
    if (way == nullptr) {
      if (!goes_on_marked(own, peer, keys)) add({}, block(kPeerPriority));
    } else if (!way->marked) {
      add(*way, sending(own, peer, *way));
    }
  }
}

Policy::Key unmarked(const Cidr& src, const Cidr& dst) {
  return {.direction = Direction::out, .src = src, .dst = dst, .mark = {}};
}

// Blocks networks that no packet of a pod may reach in the clear. Packets between pods of this node
// meet OUT policies too, so if such a network contains this node's pods, they need a policy that
// passes them. So do packets to peers with marked policies: their first lookup has no mark.
void add_blocked(const FamilyView& own, bool host_encryption, Table<Policy>& table) {
  const auto& pods = own.local_cidr;
  const auto from = host_encryption ? Cidr::any(own.family()) : pods;
  for (const auto& cidr : own.unready) {
    table.emplace(unmarked(from, cidr), block(kUnreadyPriority));
  }
  if (own.strict_cidr) table.emplace(unmarked(pods, *own.strict_cidr), block(kStrictPriority));

  const auto pass = [&](const Cidr& dst) {
    const auto blocks = [&](const Cidr& cidr) { return cidr.overlaps(dst); };
    const bool blocked = std::any_of(own.unready.begin(), own.unready.end(), blocks) ||
                         (own.strict_cidr && blocks(*own.strict_cidr));
    if (!blocked) return;
    table.emplace(
        Policy::Key{.direction = Direction::out, .src = from, .dst = dst, .mark = kUnmarked},
        Policy{.priority = kPassPriority});
  };
  pass(pods);
  for (const Peer& peer : own.peers) {
    if (FamilyView::is_marked(peer)) pass(peer.pod_cidr);
  }
}

}  // namespace

Table<Policy> block_policies() {
  Table<Policy> table;
  for (const auto family : kFamilies) {
    const auto any = Cidr::any(family);
    table.emplace(
        Policy::Key{.direction = Direction::out, .src = any, .dst = any, .mark = kEncryptMark},
        Policy{.block = true, .priority = kBlockPriority});
  }
  return table;
}

Table<Policy> policies(const LocalView& view) {
  Table<Policy> table;
  for (const auto& own : view.families) {
    if (!view.keys.empty()) add_receiving(own, table);
    add_forwarding(own, view, table);
    if (view.keys.any_of_pairs()) add_before_nat(own, view.host_encryption, table);
    add_sending(own, view.keys, view.host_encryption, table);
    add_blocked(own, view.host_encryption, table);
  }
  return table;
}

}  // namespace pellicle
