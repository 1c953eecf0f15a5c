#include "agent/kernel/route_codec.h"

#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace pellicle {

namespace {

int message_type(RouteVerb verb) {
  return verb == RouteVerb::remove ? RTM_DELROUTE : RTM_NEWROUTE;
}

int message_flags(RouteVerb verb) {
  switch (verb) {
    case RouteVerb::add:
      return NLM_F_CREATE | NLM_F_EXCL;
    case RouteVerb::replace:
      return NLM_F_CREATE | NLM_F_REPLACE;
    case RouteVerb::remove:
      return 0;
  }
  return 0;
}

// The metric that the kernel gives a route without one: for IPv6, IP6_RT_PRIO_USER.
uint32_t usual_metric(uint8_t family) {
  return family == AF_INET6 ? 1024 : 0;
}

// An IPv4 route may have an IPv6 gateway, which is in RTA_VIA instead of RTA_GATEWAY.
std::optional<IpAddress> gateway_of(const Attributes& attributes, Family family) {
  constexpr size_t kFamilySize = sizeof(rtvia::rtvia_family);
  constexpr size_t kViaIpv6 = kFamilySize + 16;
  const auto via = attributes.bytes(RTA_VIA);
  if (via.size() < kViaIpv6) return attributes.address(RTA_GATEWAY, family);
  __kernel_sa_family_t of = 0;
  std::memcpy(&of, via.data(), sizeof of);
  if (of != AF_INET6) return std::nullopt;
  return IpAddress(Family::v6, via.data() + kFamilySize);
}

void put_gateway(NetlinkMessage& message, const IpAddress& gateway, Family family) {
  if (gateway.family() == family) return message.put_address(RTA_GATEWAY, gateway);
  std::array<uint8_t, sizeof(rtvia::rtvia_family) + 16> via{};
  const __kernel_sa_family_t of = AF_INET6;
  std::memcpy(via.data(), &of, sizeof of);
  std::copy_n(gateway.data(), gateway.size(), via.data() + sizeof of);
  message.put_bytes(RTA_VIA, via.data(), via.size());
}

// See KernelRoute::plain.
bool is_plain(const rtmsg& info, const Attributes& attributes, uint32_t metric) {
  if (info.rtm_tos != 0 || info.rtm_src_len != 0) return false;
  if (info.rtm_type == RTN_UNREACHABLE) return true;
  return (info.rtm_type == RTN_UNICAST || info.rtm_type == RTN_LOCAL) && attributes.has(RTA_OIF) &&
         !attributes.has(RTA_MULTIPATH) && !attributes.has(RTA_NH_ID) &&
         !attributes.has(RTA_ENCAP) && metric == usual_metric(info.rtm_family);
}

RouteType type_of(uint8_t type) {
  if (type == RTN_UNREACHABLE) return RouteType::unreachable;
  return type == RTN_LOCAL ? RouteType::local : RouteType::unicast;
}

uint8_t number_of(RouteType type) {
  if (type == RouteType::unreachable) return RTN_UNREACHABLE;
  return type == RouteType::local ? RTN_LOCAL : RTN_UNICAST;
}

}  // namespace

NetlinkMessage route_dump(Family family) {
  NetlinkMessage message(RTM_GETROUTE, 0);
  rtmsg info{};
  info.rtm_family = static_cast<uint8_t>(address_family(family));
  message.header(info);
  return message;
}

std::optional<KernelRoute> decode_route(const nlmsghdr& message) {
  const auto info = header_of<rtmsg>(message);
  if (message.nlmsg_type != RTM_NEWROUTE || !info) return std::nullopt;
  const auto family = family_of(info->rtm_family);
  // A cloned route is the kernel's cache for one destination (a path MTU), not a route.
  if (!family || (info->rtm_flags & RTM_F_CLONED)) return std::nullopt;
  const Attributes attributes(message, sizeof(rtmsg));
  KernelRoute route;
  const auto dst = attributes.address(RTA_DST, *family).value_or(IpAddress::any(*family));
  route.key.dst = Cidr(dst, info->rtm_dst_len);
  route.key.table = attributes.value<uint32_t>(RTA_TABLE).value_or(info->rtm_table);
  const auto metric = attributes.value<uint32_t>(RTA_PRIORITY).value_or(0);
  route.plain = is_plain(*info, attributes, metric);
  route.value.type = type_of(info->rtm_type);
  if (route.value.type == RouteType::unreachable) {
    route.key.metric = metric;  // IPv6 also reports the device lo, which is ignored
  } else {
    route.dev = attributes.value<int>(RTA_OIF).value_or(0);
  }
  route.value.gateway = gateway_of(attributes, *family);
  route.value.onlink = (info->rtm_flags & RTNH_F_ONLINK) != 0;
  route.value.src = attributes.address(RTA_PREFSRC, *family);
  route.value.mtu = Attributes(attributes.raw(RTA_METRICS)).value<uint32_t>(RTAX_MTU).value_or(0);
  route.value.scope = info->rtm_scope;
  route.value.protocol = info->rtm_protocol;
  return route;
}

NetlinkMessage next_hop_request(const NextHopQuestion& question) {
  const auto& [destination, source] = question;
  const auto whole = static_cast<uint8_t>(destination.size() * 8);
  NetlinkMessage message(RTM_GETROUTE, 0);
  rtmsg info{};
  info.rtm_family = static_cast<uint8_t>(address_family(destination.family()));
  info.rtm_dst_len = whole;
  if (source) info.rtm_src_len = whole;
  message.header(info);
  message.put_address(RTA_DST, destination);
  if (source) message.put_address(RTA_SRC, *source);
  return message;
}

std::optional<KernelNextHop> decode_next_hop(const nlmsghdr& message) {
  const auto info = header_of<rtmsg>(message);
  if (message.nlmsg_type != RTM_NEWROUTE || !info) return std::nullopt;
  const auto family = family_of(info->rtm_family);
  if (!family) return std::nullopt;
  const Attributes attributes(message, sizeof(rtmsg));
  return KernelNextHop{.dev = attributes.value<int>(RTA_OIF).value_or(0),
                       .gateway = gateway_of(attributes, *family),
                       .unicast = info->rtm_type == RTN_UNICAST};
}

NetlinkMessage encode_route(RouteVerb verb, const Route::Key& key, const Route& value, int dev) {
  NetlinkMessage message(message_type(verb), message_flags(verb));
  rtmsg info{};
  info.rtm_family = static_cast<uint8_t>(address_family(key.dst.family()));
  info.rtm_dst_len = key.dst.length();
  info.rtm_table = static_cast<uint8_t>(key.table < 256 ? key.table : uint32_t{RT_TABLE_COMPAT});
  info.rtm_protocol = value.protocol;
  info.rtm_scope = value.scope;
  info.rtm_type = number_of(value.type);
  if (value.onlink) info.rtm_flags = RTNH_F_ONLINK;
  message.header(info);
  if (key.dst.length() > 0) message.put_address(RTA_DST, key.dst.address());
  message.put(RTA_TABLE, key.table);
  if (value.type != RouteType::unreachable) message.put(RTA_OIF, dev);
  // The kernel deletes the first route that matches the request (6.1). Without a metric, that could
  // be the kernel's own route, which has another metric.
  const auto metric = key.metric ? key.metric : usual_metric(info.rtm_family);
  if (metric) message.put(RTA_PRIORITY, metric);
  if (value.gateway) put_gateway(message, *value.gateway, key.dst.family());
  if (value.src) message.put_address(RTA_PREFSRC, *value.src);
  if (value.mtu && verb != RouteVerb::remove) {
    auto* const metrics = message.begin_nest(RTA_METRICS);
    message.put(RTAX_MTU, value.mtu);
    message.end_nest(metrics);
  }
  return message;
}

}  // namespace pellicle
