#include "agent/desired/local_view.h"

namespace pellicle {

namespace {

constexpr uint8_t kScopeLink = 253;  // RT_SCOPE_LINK
constexpr uint8_t kScopeHost = 254;  // RT_SCOPE_HOST

// Marked packets: to a peer through cilium_host, where XFRM encrypts them; decrypted ones to this
// node. The peers' routes have scope universe, which `ip route` does not print, as in the seed's
// listing; IPv6 has no other. Their MTU is the path's: the kernel derives from it what fits inside
// ESP, and reports that to pods that send more.
void add_encrypt_table(const FamilyView& own, const LocalView& view, Table<Route>& table) {
  const auto& uplink = view.uplink;
  for (const Peer& peer : own.peers) {
    Route route{.dev = kHostDevice, .mtu = routed_mtu(peer, view)};
    const bool selected_by_source = peer.way() && !peer.way()->marked && !view.host_encryption;
    if (selected_by_source) route.src = own.router;  // source of the node's own ICMP: icmp_rules()
    table.emplace(Route::Key{kEncryptTable, peer.pod_cidr}, route);
    if (!view.host_encryption) continue;
    table.emplace(Route::Key{kEncryptTable, Cidr::host(peer.internal_ip)}, route);
  }
  table.emplace(Route::Key{kEncryptTable, own.local_cidr},
                Route{.type = RouteType::local,
                      .dev = uplink.name,
                      .scope = own.family() == Family::v4 ? kScopeHost : uint8_t{0},
                      .protocol = kEncryptRouteProtocol});
}

// Packets without a mark for peers whose policies have one go to cilium_host, never to the uplink.
// These routes disappear with the device, so each has an unreachable route behind it. If the kernel
// refused a policy, the unreachable route stands alone.
void add_mark_tables(const FamilyView& own, bool host_encryption, Table<Route>& table) {
  const auto add = [&](uint32_t number, const Cidr& dst, bool marked) {
    Route route{.dev = kHostDevice};
    if (!host_encryption) route.src = own.router;  // source of the node's own ICMP: icmp_rules()
    if (marked) table.emplace(Route::Key{number, dst}, route);
    if (!marked && !own.held.contains(dst)) return;
    table.emplace(Route::Key{number, dst, kBehindMetric}, Route{.type = RouteType::unreachable});
  };
  for (const auto& cidr : own.unready) add(kMarkPodsTable, cidr, false);
  for (const Peer& peer : own.peers) {
    const bool marked = FamilyView::is_marked(peer);
    add(kMarkPodsTable, peer.pod_cidr, marked);
    if (!host_encryption) continue;
    add(kMarkNodesTable, Cidr::host(peer.internal_ip), marked && peer.accepts_host_encryption);
  }
}

// Uses the node's own next hop to the peer. A peer without a route is reported elsewhere.
void add_route_to(const Peer& peer, Table<Route>& table) {
  const auto& hop = peer.next_hop;
  if (!hop || hop->device.empty()) return;
  table.emplace(Route::Key{kMainTable, peer.pod_cidr},
                Route{.dev = hop->device,
                      .gateway = hop->gateway.value_or(peer.internal_ip),
                      .onlink = hop->onlink});
}

// IPv6 rejects a gateway that is the node's own address (6.1, ip6_validate_gw).
void add_main_table(const FamilyView& own, Table<Route>& table) {
  const bool ipv4 = own.family() == Family::v4;
  for (const Peer& peer : own.peers) add_route_to(peer, table);
  table.emplace(Route::Key{kMainTable, Cidr::host(own.router)},
                Route{.dev = kHostDevice, .scope = ipv4 ? kScopeLink : uint8_t{0}});
  Route to_pods{.dev = kHostDevice, .src = own.router};
  if (ipv4) to_pods.gateway = own.router;
  table.emplace(Route::Key{kMainTable, own.local_cidr}, to_pods);
}

}  // namespace

Table<Route> routes(const LocalView& view) {
  Table<Route> table;
  for (const auto& own : view.families) {
    add_encrypt_table(own, view, table);
    add_mark_tables(own, view.host_encryption, table);
    add_main_table(own, table);
  }
  return table;
}

}  // namespace pellicle
