#include "agent/kernel/ownership.h"

#include <linux/rtnetlink.h>

#include "agent/desired/desired.h"

namespace pellicle {

namespace {

constexpr Mark kForwardMark{0, 0xf00};
constexpr uint32_t kRulePriority = 1;
constexpr uint32_t kKeyField = 0xf000;  // the key id, above the mark's own field

// 0x1e00/0xff00 to 0xfe00/0xff00
bool is_send_mark(const Mark& mark) {
  return mark.mask == (kKeyField | kEncryptMark.mask) && (mark.value & kKeyField) != 0 &&
         (mark.value & ~kKeyField) == kEncryptMark.value;
}

bool is_our_mark(Direction direction, const Mark& mark) {
  switch (direction) {
    case Direction::out:
      return is_send_mark(mark);
    case Direction::in:
      return mark == kDecryptMark || mark == kLocalDecryptedMark;
    case Direction::fwd:
      return mark == kForwardMark || mark == kLocalDecryptedMark;
  }
  return false;
}

}  // namespace

bool is_ours(const State::Key& key, const State& value) {
  if (value.reqid != kReqId) return false;
  return (is_send_mark(key.mark) && value.output_mark == kEncryptMark) ||
         (key.mark == kDecryptMark && value.output_mark == kDecryptMark);
}

bool is_block_policy(const Policy::Key& key, const Policy& value) {
  return value.block && !value.tmpl && key.direction == Direction::out &&
         key.mark == kEncryptMark && key.src == Cidr::any(key.src.family()) &&
         key.dst == Cidr::any(key.dst.family());
}

bool is_ours(const Policy::Key& key, const Policy& value) {
  if (is_block_policy(key, value)) return true;
  return !value.block && value.tmpl && value.tmpl->reqid == kReqId &&
         is_our_mark(key.direction, key.mark);
}

bool is_ours(const KernelRoute& route, const std::string& dev, const OwnDevices& own) {
  if (!route.plain) return false;
  if (own.has(dev)) return route.value.protocol != RTPROT_KERNEL;
  return route.key.table == kEncryptTable && route.value.protocol == kEncryptRouteProtocol &&
         route.value.type == RouteType::local;
}

bool needs_ledger(const Route::Key& key, const Route& value) {
  return key.table == RT_TABLE_MAIN && value.gateway && value.protocol == RTPROT_BOOT &&
         value.type == RouteType::unicast;
}

bool is_ours(const KernelRule& rule) {
  return rule.plain && rule.key.priority == kRulePriority && rule.key.table == kEncryptTable &&
         (rule.key.mark == kDecryptMark || rule.key.mark == kEncryptMark);
}

bool is_local_rule(const KernelRule& rule) {
  return rule.plain && rule.key.table == RT_TABLE_LOCAL && rule.key.mark == Mark{};
}

}  // namespace pellicle
