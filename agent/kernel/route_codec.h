// Routes: bytes <-> values. Pure. A message has a device index and a value a device name, so the
// caller converts between them.
#pragma once

#include <optional>

#include "agent/kernel/netlink_message.h"
#include "agent/model/inputs.h"
#include "agent/model/objects.h"

namespace pellicle {

// A route, from RTM_NEWROUTE; `value.dev` is empty.
struct KernelRoute {
  Route::Key key;
  Route value;
  int dev = 0;  // interface index; 0: unreachable
  // The model can express the route: it is unreachable, or has one next hop, without nexthop object
  // or encapsulation, and the default metric. It has no TOS and no source network.
  bool plain = true;
  auto operator<=>(const KernelRoute&) const = default;
};

NetlinkMessage route_dump(Family family);
std::optional<KernelRoute> decode_route(const nlmsghdr& message);

// The kernel's answer to how it would send to one address.
struct KernelNextHop {
  int dev = 0;  // interface index
  std::optional<IpAddress> gateway;
  bool unicast = true;  // false: the route is local, multicast, broadcast, or of an error type
  auto operator<=>(const KernelNextHop&) const = default;
};
NetlinkMessage next_hop_request(const NextHopQuestion& question);
std::optional<KernelNextHop> decode_next_hop(const nlmsghdr& message);

enum class RouteVerb : uint8_t { add, replace, remove };  // add: EEXIST when the route exists
NetlinkMessage encode_route(RouteVerb verb, const Route::Key& key, const Route& value, int dev);

}  // namespace pellicle
