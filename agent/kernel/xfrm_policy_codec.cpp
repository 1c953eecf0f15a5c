#include "agent/kernel/xfrm_policy_codec.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "agent/kernel/xfrm_wire.h"

namespace pellicle {

namespace {

uint8_t to_wire(Direction direction) {
  switch (direction) {
    case Direction::in:
      return XFRM_POLICY_IN;
    case Direction::out:
      return XFRM_POLICY_OUT;
    case Direction::fwd:
      return XFRM_POLICY_FWD;
  }
  return XFRM_POLICY_OUT;
}

std::optional<Direction> direction_of(uint8_t wire) {
  switch (wire) {
    case XFRM_POLICY_IN:
      return Direction::in;
    case XFRM_POLICY_OUT:
      return Direction::out;
    case XFRM_POLICY_FWD:
      return Direction::fwd;
    default:
      return std::nullopt;  // a policy of a socket
  }
}

xfrm_selector selector_of(const Policy::Key& key) {
  xfrm_selector selector{};
  selector.family = static_cast<uint16_t>(address_family(key.dst.family()));
  selector.saddr = to_wire(key.src.address());
  selector.daddr = to_wire(key.dst.address());
  selector.prefixlen_s = key.src.length();
  selector.prefixlen_d = key.dst.length();
  return selector;
}

bool networks_alone(const xfrm_selector& selector) {
  return selector.proto == 0 && selector.sport_mask == 0 && selector.dport_mask == 0 &&
         selector.ifindex == 0 && selector.user == 0;
}

xfrm_user_tmpl to_wire(const Policy::Template& value) {
  xfrm_user_tmpl wire{};
  wire.id = {to_wire(value.dst), htonl(value.spi), IPPROTO_ESP};
  wire.family = static_cast<uint16_t>(address_family(value.dst.family()));
  wire.saddr = to_wire(value.src);
  wire.reqid = value.reqid;
  wire.mode = XFRM_MODE_TUNNEL;
  wire.share = XFRM_SHARE_ANY;
  wire.optional = value.optional;
  wire.aalgos = wire.ealgos = wire.calgos = UINT32_MAX;  // any algorithm
  return wire;
}

std::optional<Policy::Template> from_wire(const xfrm_user_tmpl& wire) {
  const auto family = family_of(wire.family);
  if (!family || wire.id.proto != IPPROTO_ESP || wire.mode != XFRM_MODE_TUNNEL) return std::nullopt;
  return Policy::Template{pellicle::from_wire(wire.saddr, *family),
                          pellicle::from_wire(wire.id.daddr, *family), ntohl(wire.id.spi),
                          wire.reqid, wire.optional != 0};
}

NetlinkMessage policy_message(int type, const Policy::Key& key, const Policy& value) {
  NetlinkMessage message(type, 0);
  xfrm_userpolicy_info info{};
  info.sel = selector_of(key);
  info.lft = unlimited();
  info.priority = value.priority;
  info.dir = to_wire(key.direction);
  info.action = value.block ? XFRM_POLICY_BLOCK : XFRM_POLICY_ALLOW;
  message.header(info);
  message.put(XFRMA_MARK, to_wire(key.mark));
  if (value.tmpl) message.put(XFRMA_TMPL, to_wire(*value.tmpl));
  return message;
}

}  // namespace

NetlinkMessage policy_dump() {
  return NetlinkMessage(XFRM_MSG_GETPOLICY, 0);
}

std::optional<XfrmPolicy> decode_policy(const nlmsghdr& message) {
  const auto info = header_of<xfrm_userpolicy_info>(message);
  if (message.nlmsg_type != XFRM_MSG_NEWPOLICY || !info) return std::nullopt;
  const auto direction = direction_of(info->dir);
  const auto family = family_of(info->sel.family);
  if (!direction || !family || !networks_alone(info->sel)) return std::nullopt;
  const Attributes attributes(message, sizeof(xfrm_userpolicy_info));
  const auto type = attributes.value<xfrm_userpolicy_type>(XFRMA_POLICY_TYPE);
  if (type && type->type != XFRM_POLICY_TYPE_MAIN) return std::nullopt;
  if (attributes.has(XFRMA_IF_ID) || attributes.has(XFRMA_SEC_CTX)) return std::nullopt;

  XfrmPolicy policy;
  policy.key = {*direction,
                Cidr(pellicle::from_wire(info->sel.saddr, *family), info->sel.prefixlen_s),
                Cidr(pellicle::from_wire(info->sel.daddr, *family), info->sel.prefixlen_d),
                pellicle::from_wire(attributes.value<xfrm_mark>(XFRMA_MARK).value_or(xfrm_mark{}))};
  policy.value.block = info->action == XFRM_POLICY_BLOCK;
  policy.value.priority = info->priority;
  const auto templates = attributes.bytes(XFRMA_TMPL).size();
  if (templates == 0) return policy;
  if (templates != sizeof(xfrm_user_tmpl)) return std::nullopt;
  policy.value.tmpl = from_wire(*attributes.value<xfrm_user_tmpl>(XFRMA_TMPL));
  if (!policy.value.tmpl) return std::nullopt;
  return policy;
}

NetlinkMessage encode_new_policy(const Policy::Key& key, const Policy& value) {
  return policy_message(XFRM_MSG_NEWPOLICY, key, value);
}

NetlinkMessage encode_update_policy(const Policy::Key& key, const Policy& value) {
  return policy_message(XFRM_MSG_UPDPOLICY, key, value);
}

NetlinkMessage encode_delete_policy(const Policy::Key& key) {
  NetlinkMessage message(XFRM_MSG_DELPOLICY, 0);
  xfrm_userpolicy_id id{};
  id.sel = selector_of(key);
  id.dir = to_wire(key.direction);
  message.header(id);
  message.put(XFRMA_MARK, to_wire(key.mark));
  return message;
}

}  // namespace pellicle
