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

Policy sending(const FamilyView& own, const Peer& peer, uint8_t key_id) {
  return {.tmpl = Policy::Template{
              .src = own.router, .dst = peer.router, .spi = key_id, .reqid = kReqId}};
}

void add_policies(const FamilyView& own, uint8_t key_id, Table<Policy>& table) {
  const auto receive = [&](Direction direction, Mark mark, const Policy& policy) {
    table.emplace(Policy::Key{.direction = direction,
                              .src = Cidr::any(own.family()),
                              .dst = own.local_cidr,
                              .mark = mark},
                  policy);
  };
  receive(Direction::in, kDecryptMark, receiving(own, false, 0));
  receive(Direction::in, kLocalDecryptedMark, receiving(own, true, 0));
  receive(Direction::fwd, kForwardMark, receiving(own, true, kForwardPriority));
  for (const auto& peer : own.peers) {
    table.emplace(Policy::Key{.direction = Direction::out,
                              .src = own.local_cidr,
                              .dst = peer.pod_cidr,
                              .mark = encrypt_mark(key_id)},
                  sending(own, peer, key_id));
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
  if (!view.key) return table;
  for (const auto& own : view.families) add_policies(own, view.key->id, table);
  return table;
}

}  // namespace pellicle
