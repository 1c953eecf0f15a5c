#include "agent/desired/local_view.h"

namespace pellicle {

namespace {

constexpr uint32_t kMainTable = 254;  // RT_TABLE_MAIN
constexpr uint8_t kScopeLink = 253;   // RT_SCOPE_LINK
constexpr uint8_t kScopeHost = 254;   // RT_SCOPE_HOST

// Marked packets: to a peer through cilium_host, where XFRM takes them; decrypted ones to us. The
// peers' routes have scope universe, which `ip route` prints no scope for, as the seed's listing.
void add_encrypt_table(const LocalView& view, Table<Route>& table) {
  for (const auto& peer : view.peers) {
    table.emplace(Route::Key{kEncryptTable, peer.pod_cidr},
                  Route{.dev = kHostDevice, .mtu = view.uplink.mtu});
  }
  table.emplace(Route::Key{kEncryptTable, view.local_cidr},
                Route{.type = RouteType::local,
                      .dev = view.uplink.name,
                      .scope = kScopeHost,
                      .protocol = kEncryptRouteProtocol});
}

void add_main_table(const LocalView& view, Table<Route>& table) {
  for (const auto& peer : view.peers) {
    table.emplace(Route::Key{kMainTable, peer.pod_cidr},
                  Route{.dev = view.uplink.name, .gateway = peer.internal_ip});
  }
  table.emplace(Route::Key{kMainTable, Cidr::host(view.router)},
                Route{.dev = kHostDevice, .scope = kScopeLink});
  table.emplace(Route::Key{kMainTable, view.local_cidr},
                Route{.dev = kHostDevice, .gateway = view.router, .src = view.router});
}

}  // namespace

Table<Route> routes(const LocalView& view) {
  Table<Route> table;
  add_encrypt_table(view, table);
  add_main_table(view, table);
  return table;
}

}  // namespace pellicle
