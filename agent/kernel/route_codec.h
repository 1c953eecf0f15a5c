// Routes: bytes <-> values. Pure; the device is a number on the wire and a name in the value, so
// the caller translates.
#pragma once

#include <optional>

#include "agent/kernel/netlink_message.h"
#include "agent/model/inputs.h"
#include "agent/model/objects.h"

namespace pellicle {

// A route as RTM_NEWROUTE shows it; `value.dev` is empty.
struct KernelRoute {
  Route::Key key;
  Route value;
  int dev = 0;
  // Nothing about it that the model cannot say: one next hop or unreachable, no TOS, no metric of
  // one that has a next hop.
  bool plain = true;
  auto operator<=>(const KernelRoute&) const = default;
};

NetlinkMessage route_dump(Family family);
std::optional<KernelRoute> decode_route(const nlmsghdr& message);

// The kernel's answer of how it would send to one address.
struct KernelNextHop {
  int dev = 0;
  std::optional<IpAddress> gateway;
  bool unicast = true;  // false: the address is this host's own, a group's, or nobody's
  auto operator<=>(const KernelNextHop&) const = default;
};
NetlinkMessage next_hop_request(const NextHopQuestion& question);
std::optional<KernelNextHop> decode_next_hop(const nlmsghdr& message);

enum class RouteVerb : uint8_t { add, replace, remove };  // add: EEXIST when the place is taken
NetlinkMessage encode_route(RouteVerb verb, const Route::Key& key, const Route& value, int dev);

}  // namespace pellicle
