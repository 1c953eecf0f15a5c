#include "agent/desired/local_view.h"

namespace pellicle {

namespace {

// What `ip xfrm policy` shows for Cilium's forward policy.
constexpr uint32_t kForwardPriority = 2975;
constexpr Mark kForwardMark{0, 0xf00};
constexpr uint32_t kBlockPriority = 100;  // after every per-peer policy, which have 0

Policy receiving(const LocalView& view, bool optional, uint32_t priority) {
  return {.priority = priority,
          .tmpl = Policy::Template{.src = IpAddress::any(view.router.family()),
                                   .dst = view.router,
                                   .reqid = kReqId,
                                   .optional = optional}};
}

Policy sending(const LocalView& view, const Peer& peer) {
  return {.tmpl = Policy::Template{
              .src = view.router, .dst = peer.router, .spi = view.key->id, .reqid = kReqId}};
}

}  // namespace

Table<Policy> block_policies() {
  const auto any = Cidr::any(Family::v4);
  return {{{.direction = Direction::out, .src = any, .dst = any, .mark = kEncryptMark},
           {.block = true, .priority = kBlockPriority}}};
}

Table<Policy> policies(const LocalView& view) {
  Table<Policy> table;
  if (!view.key) return table;
  const auto any = Cidr::any(view.local_cidr.family());
  const auto receive = [&](Direction direction, Mark mark, const Policy& policy) {
    table.emplace(
        Policy::Key{.direction = direction, .src = any, .dst = view.local_cidr, .mark = mark},
        policy);
  };
  receive(Direction::in, kDecryptMark, receiving(view, false, 0));
  receive(Direction::in, kLocalDecryptedMark, receiving(view, true, 0));
  receive(Direction::fwd, kForwardMark, receiving(view, true, kForwardPriority));
  for (const auto& peer : view.peers) {
    table.emplace(Policy::Key{.direction = Direction::out,
                              .src = view.local_cidr,
                              .dst = peer.pod_cidr,
                              .mark = encrypt_mark(view.key->id)},
                  sending(view, peer));
  }
  return table;
}

}  // namespace pellicle
