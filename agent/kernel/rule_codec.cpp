#include "agent/kernel/rule_codec.h"

#include <array>

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

namespace pellicle {

namespace {

constexpr std::array kSelectors = {FRA_OIFNAME,   FRA_FLOW,        FRA_TUN_ID, FRA_L3MDEV,
                                   FRA_UID_RANGE, FRA_SPORT_RANGE, FRA_GOTO,   FRA_DPORT_RANGE};
constexpr const char* kLoopback = "lo";

NetlinkMessage rule_message(int type, int flags, const Rule::Key& key) {
  NetlinkMessage message(type, flags);
  fib_rule_hdr info{};
  info.family = static_cast<uint8_t>(address_family(key.family));
  info.table = static_cast<uint8_t>(key.table < 256 ? key.table : uint32_t{RT_TABLE_COMPAT});
  info.action = FR_ACT_TO_TBL;
  info.src_len = key.src ? key.src->length() : uint8_t{0};
  info.dst_len = key.dst ? key.dst->length() : uint8_t{0};
  message.header(info);
  message.put(FRA_PRIORITY, key.priority);
  message.put(FRA_TABLE, key.table);
  if (key.src) message.put_address(FRA_SRC, key.src->address());
  if (key.dst) message.put_address(FRA_DST, key.dst->address());
  if (key.of_node) message.put_text(FRA_IIFNAME, kLoopback);
  if (key.protocol) message.put(FRA_IP_PROTO, key.protocol);
  if (key.mark.mask) {
    message.put(FRA_FWMARK, key.mark.value);
    message.put(FRA_FWMASK, key.mark.mask);
  }
  return message;
}

}  // namespace

NetlinkMessage rule_dump(Family family) {
  NetlinkMessage message(RTM_GETRULE, 0);
  fib_rule_hdr info{};
  info.family = static_cast<uint8_t>(address_family(family));
  message.header(info);
  return message;
}

std::optional<KernelRule> decode_rule(const nlmsghdr& message) {
  const auto info = header_of<fib_rule_hdr>(message);
  if (message.nlmsg_type != RTM_NEWRULE || !info || info->action != FR_ACT_TO_TBL) {
    return std::nullopt;
  }
  const auto family = family_of(info->family);
  if (!family) return std::nullopt;
  const Attributes attributes(message, sizeof(fib_rule_hdr));
  KernelRule rule;
  rule.key.family = *family;
  rule.key.priority = attributes.value<uint32_t>(FRA_PRIORITY).value_or(0);
  rule.key.table = attributes.value<uint32_t>(FRA_TABLE).value_or(info->table);
  rule.key.mark.value = attributes.value<uint32_t>(FRA_FWMARK).value_or(0);
  rule.key.mark.mask = attributes.value<uint32_t>(FRA_FWMASK).value_or(0);
  rule.protocol = attributes.value<uint8_t>(FRA_PROTOCOL).value_or(RTPROT_KERNEL);  // since 4.17
  rule.key.protocol = attributes.value<uint8_t>(FRA_IP_PROTO).value_or(0);
  if (const auto src = attributes.address(FRA_SRC, *family)) {
    rule.key.src = Cidr(*src, info->src_len);
  }
  if (const auto dst = attributes.address(FRA_DST, *family)) {
    rule.key.dst = Cidr(*dst, info->dst_len);
  }
  rule.key.of_node = attributes.text(FRA_IIFNAME) == kLoopback;
  rule.plain = attributes.has(FRA_IIFNAME) == rule.key.of_node && info->tos == 0 &&
               !(info->flags & FIB_RULE_INVERT);
  for (const int selector : kSelectors) {
    // The kernel includes FRA_L3MDEV and the like only when they are set (6.1).
    if (attributes.has(selector)) rule.plain = false;
  }
  // The kernel always includes these; -1 means that nothing is suppressed.
  for (const int suppress : {FRA_SUPPRESS_PREFIXLEN, FRA_SUPPRESS_IFGROUP}) {
    if (attributes.value<int32_t>(suppress).value_or(-1) != -1) rule.plain = false;
  }
  return rule;
}

NetlinkMessage encode_new_rule(const Rule::Key& key) {
  auto message = rule_message(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, key);
  message.put<uint8_t>(FRA_PROTOCOL, RTPROT_KERNEL);
  return message;
}

NetlinkMessage encode_delete_rule(const Rule::Key& key, uint8_t protocol) {
  auto message = rule_message(RTM_DELRULE, 0, key);
  if (protocol != 0) message.put(FRA_PROTOCOL, protocol);
  return message;
}

}  // namespace pellicle
