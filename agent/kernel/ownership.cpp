#include "agent/kernel/ownership.h"

#include <linux/rtnetlink.h>
#include <netinet/in.h>

#include "agent/model/contract.h"

namespace pellicle {

namespace {

constexpr Mark kForwardMark{0, 0xf00};
constexpr uint32_t kKeyField = 0xf000;  // the bits with the key id, above the mark field

// 0x1e00/0xff00 to 0xfe00/0xff00
bool is_send_mark(const Mark& mark) {
  return mark.mask == (kKeyField | kEncryptMark.mask) && (mark.value & kKeyField) != 0 &&
         (mark.value & ~kKeyField) == kEncryptMark.value;
}

bool is_pair_spi(uint32_t spi) {  // of an epoch, with any key id
  return is_epoch_spi(spi & ~0xfU);
}

// True for OUT policies without a key's mark. Their priority identifies them.
bool is_unmarked_out(const Policy::Key& key, const Policy& value) {
  const bool bare = !value.tmpl && !value.block;
  if (key.mark == kBeforeNatMark) return bare && value.priority == kBeforeNatPriority;
  if (key.mark == kUnmarked) return bare && value.priority == kPassPriority;
  if (key.mark != Mark{} && key.mark != kPodMark && key.mark != kLocalDecryptedMark) return false;
  if (value.tmpl) {
    return !value.block && value.priority == kPeerPriority && value.tmpl->reqid == kReqId &&
           is_pair_spi(value.tmpl->spi);
  }
  return value.block && (value.priority == kPeerPriority || value.priority == kUnreadyPriority ||
                         value.priority == kStrictPriority);
}

bool has_our_template(const Policy& value) {
  return !value.block && value.tmpl && value.tmpl->reqid == kReqId;
}

// Rules for ICMP that the node itself sends to pods: see desired/rules.cpp.
bool is_icmp_rule(const Rule::Key& key) {
  const uint8_t icmp = key.family == Family::v4 ? uint8_t{IPPROTO_ICMP} : uint8_t{IPPROTO_ICMPV6};
  if (!key.of_node || key.protocol != icmp || key.src || key.mark != Mark{}) return false;
  switch (key.priority) {
    case 101:
      return key.table == kMarkPodsTable && !key.dst;
    case 102:
      return key.table == kMainTable && key.dst;
    case 103:
      return key.table == kEncryptTable && !key.dst;
    default:
      return false;
  }
}

}  // namespace

bool is_ours(const State::Key& key, const State& value) {
  if (value.reqid != kReqId) return false;
  const bool sends = is_send_mark(key.mark) || (key.mark == Mark{} && is_pair_spi(key.spi));
  return (sends && value.output_mark == kEncryptMark) ||
         (key.mark == kDecryptMark && value.output_mark == kDecryptMark);
}

bool is_block_policy(const Policy::Key& key, const Policy& value) {
  return value.block && !value.tmpl && key.direction == Direction::out &&
         key.mark == kEncryptMark && key.src == Cidr::any(key.src.family()) &&
         key.dst == Cidr::any(key.dst.family());
}

bool is_ours(const Policy::Key& key, const Policy& value) {
  switch (key.direction) {
    case Direction::out:
      return is_block_policy(key, value) || is_unmarked_out(key, value) ||
             (has_our_template(value) && is_send_mark(key.mark));
    case Direction::in:
      return has_our_template(value) &&
             (key.mark == kDecryptMark || key.mark == kLocalDecryptedMark);
    case Direction::fwd:
      return has_our_template(value) && (key.mark == kForwardMark || key.mark == kForwardedMark ||
                                         key.mark == kLocalDecryptedMark);  // of an older version
  }
  return false;
}

bool is_ours(const KernelRoute& route, const std::string& dev, const OwnDevices& own) {
  if (!route.plain) return false;
  if (route.value.type == RouteType::unreachable) {
    const auto& [table, dst, metric] = route.key;
    return (table == kMarkPodsTable || table == kMarkNodesTable) && metric == kBehindMetric;
  }
  if (own.has(dev)) return route.value.protocol != RTPROT_KERNEL;
  return route.key.table == kEncryptTable && route.value.protocol == kEncryptRouteProtocol &&
         route.value.type == RouteType::local;
}

bool needs_ledger(const Route::Key& key, const Route& value) {
  return key.table == RT_TABLE_MAIN && value.gateway && value.protocol == RTPROT_BOOT &&
         value.type == RouteType::unicast;
}

bool is_ours(const KernelRule& rule) {
  const auto& [family, priority, mark, table, src, protocol, dst, of_node] = rule.key;
  if (!rule.plain) return false;
  if (of_node || dst) return is_icmp_rule(rule.key);
  switch (priority) {
    case 1:
      return table == kEncryptTable && (mark == kDecryptMark || mark == kEncryptMark) && !src &&
             protocol == 0;
    case 2:
      return table == kMainTable && mark == Mark{} && src && protocol == IPPROTO_ESP &&
             *src == Cidr::host(src->address());
    case 3:
      return table == kMarkPodsTable && mark == Mark{} && protocol == 0;
    case 4:
      return table == kMarkNodesTable && (mark == kPodMark || mark == kLocalDecryptedMark) &&
             !src && protocol == 0;
    default:
      return false;
  }
}

bool is_local_rule(const KernelRule& rule) {
  return rule.plain && rule.key.table == RT_TABLE_LOCAL && rule.key.mark == Mark{} &&
         !rule.key.src && rule.key.protocol == 0 && !rule.key.dst && !rule.key.of_node;
}

}  // namespace pellicle
