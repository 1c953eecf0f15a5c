#include "agent/desired/local_view.h"

namespace pellicle {

Table<VethPair> links(const LocalView& view) {
  return {{{.name = kHostDevice}, {.peer = kNetDevice, .mtu = view.uplink.mtu}}};
}

// An IPv6 address has the scope that it is written in it.
Table<Address> addresses(const LocalView& view) {
  Table<Address> table;
  for (const auto& own : view.families) {
    table.emplace(Address::Key{.dev = kHostDevice, .address = own.router},
                  Address{.prefix_length = static_cast<uint8_t>(own.router.size() * 8),
                          .scope_link = own.family() == Family::v4});
  }
  return table;
}

namespace {

// A device name stands in the path as it is, dots and all.
void set_sysctl(Table<Sysctl>& table, Family family, const std::string& device, const char* name,
                const char* value) {
  const std::string folder = family == Family::v4 ? "net/ipv4/conf/" : "net/ipv6/conf/";
  table.emplace(Sysctl::Key{folder + device + "/" + name}, Sysctl{value});
}

}  // namespace

void set_forwarding(Table<Sysctl>& table, Family family, const std::string& device) {
  if (family == Family::v4) set_sysctl(table, family, device, "rp_filter", "0");
  set_sysctl(table, family, device, "forwarding", "1");
}

// Where src_valid_mark is set (Tailscale and wg-quick set it for all devices), the kernel looks up a
// packet's source with the packet's mark: table 200 has the pods' own addresses as local ones.
void set_for_pod(Table<Sysctl>& table, Family family, const std::string& device) {
  set_forwarding(table, family, device);
  if (family == Family::v4) set_sysctl(table, family, device, "accept_local", "1");
}

Table<Sysctl> sysctls(const LocalView& view) {
  Table<Sysctl> table;
  for (const auto& own : view.families) {
    const auto family = own.family();
    for (const auto* device : {kHostDevice, kNetDevice}) set_forwarding(table, family, device);
    set_forwarding(table, family, view.uplink.name);
    if (family == Family::v4) {
      // The greater of this and the device's own counts.
      set_sysctl(table, family, "all", "rp_filter", "0");
      // ESP that cilium_host hands to cilium_net comes from an address of this node.
      set_sysctl(table, family, kNetDevice, "accept_local", "1");
    } else {
      // Nothing is forwarded without it (6.1, ip6_forward). A device that forwards takes routes
      // from routers, the node's own default route perhaps, only with 2: any device, as all
      // forward.
      set_sysctl(table, family, "all", "forwarding", "1");
      if (view.uplink.accepts_ra) set_sysctl(table, family, view.uplink.name, "accept_ra", "2");
      for (const auto& device : view.advertised) {
        set_sysctl(table, family, device, "accept_ra", "2");
      }
    }
  }
  return table;
}

}  // namespace pellicle
