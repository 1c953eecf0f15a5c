#include "agent/desired/local_view.h"

namespace pellicle {

namespace {

// What `ip xfrm policy` shows for Cilium's forward policy.
constexpr uint32_t kForwardPriority = 2975;
constexpr Mark kForwardMark{0, 0xf00};
constexpr uint32_t kBlockPriority = 100;  // after every per-peer policy, which have 0

Policy receiving(const FamilyView& own, bool optional, uint32_t priority) {
  return {.priority = priority,
          .tmpl = Policy::Template{.src = IpAddress::any(own.family()),
                                   .dst = own.router,
                                   .reqid = kReqId,
                                   .optional = optional}};
}

Policy sending(const FamilyView& own, const Peer& peer, const Way& way) {
  return {.tmpl = Policy::Template{
              .src = own.router, .dst = peer.router, .spi = way.spi, .reqid = kReqId}};
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
  // For the node itself and, of its NodePorts and masqueraded connections, for pods behind it: the
  // kernel compares with the addresses before NAT. Whatever this node's own setting is, so that
  // each node may be switched by itself.
  if (!own.address) return;
  const auto node = Cidr::host(*own.address);
  receive(Direction::in, node, kLocalDecryptedMark, receiving(own, true, 0));
  receive(Direction::fwd, node, kLocalDecryptedMark, receiving(own, true, 0));
}

void add_sending(const FamilyView& own, bool host_encryption, Table<Policy>& table) {
  for (const Peer& peer : own.peers) {
    for (const auto& [src, dst] : sent_between(own.local_cidr, peer, host_encryption)) {
      for (const auto& way : peer.ways) {
        table.emplace(Policy::Key{.direction = Direction::out,
                                  .src = src,
                                  .dst = dst,
                                  .mark = encrypt_mark(way.key_id)},
                      sending(own, peer, way));
      }
    }
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
  if (view.keys.empty()) return table;
  for (const auto& own : view.families) {
    add_receiving(own, table);
    add_sending(own, view.host_encryption, table);
  }
  return table;
}

}  // namespace pellicle
