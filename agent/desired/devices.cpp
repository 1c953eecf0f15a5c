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
Table<Sysctl> sysctls(const LocalView& view) {
  Table<Sysctl> table;
  const auto set = [&](const std::string& device, const std::string& name, const char* value) {
    table.emplace(Sysctl::Key{"net/ipv4/conf/" + device + "/" + name}, Sysctl{value});
  };
  std::vector<std::string> devices = {kHostDevice, kNetDevice, view.uplink.name};
  for (const auto& endpoint : view.endpoints) devices.push_back(endpoint.device);
  for (const auto& device : devices) {
    set(device, "rp_filter", "0");
    set(device, "forwarding", "1");
  }
  set("all", "rp_filter", "0");  // the kernel takes the greater of this and the device's own
  // ESP that cilium_host hands to cilium_net comes from an address of this node.
  set(kNetDevice, "accept_local", "1");
  return table;
}

}  // namespace pellicle
