#include "agent/desired/local_view.h"

namespace pellicle {

Table<VethPair> links(const LocalView& view) {
  return {{{.name = kHostDevice}, {.peer = kNetDevice, .mtu = view.uplink.mtu}}};
}

Table<Address> addresses(const LocalView& view) {
  const auto length = static_cast<uint8_t>(view.router.size() * 8);
  return {{{.dev = kHostDevice, .address = view.router}, {.prefix_length = length}}};
}

// A device name stands in the path as it is, dots and all.
void set_sysctl(Table<Sysctl>& table, const std::string& device, const char* name,
                const char* value) {
  table.emplace(Sysctl::Key{"net/ipv4/conf/" + device + "/" + name}, Sysctl{value});
}

void set_forwarding(Table<Sysctl>& table, const std::string& device) {
  set_sysctl(table, device, "rp_filter", "0");
  set_sysctl(table, device, "forwarding", "1");
}

Table<Sysctl> sysctls(const LocalView& view) {
  Table<Sysctl> table;
  for (const auto* device : {kHostDevice, kNetDevice}) set_forwarding(table, device);
  set_forwarding(table, view.uplink.name);
  set_sysctl(table, "all", "rp_filter", "0");  // the greater of this and the device's own counts
  // ESP that cilium_host hands to cilium_net comes from an address of this node.
  set_sysctl(table, kNetDevice, "accept_local", "1");
  return table;
}

}  // namespace pellicle
