#include "agent/desired/local_view.h"

namespace pellicle {

Table<DatapathConfig> datapath_config(const LocalView& view) {
  return {{{},
           {.local_cidr = view.local_cidr,
            .router = view.router,
            .host_device = kHostDevice,
            .net_device = kNetDevice,
            .uplink = view.uplink.name}}};
}

Table<PeerEntry> peer_entries(const LocalView& view) {
  Table<PeerEntry> table;
  if (view.strict_cidr) table[{*view.strict_cidr}] = {.key_id = PeerEntry::kNoNode};
  for (const auto& cidr : view.unready) table[{cidr}] = {.key_id = 0};
  for (const auto& peer : view.peers) {
    table[{peer.pod_cidr}] = {.key_id = view.key ? view.key->id : uint8_t{0}};
  }
  return table;
}

Table<EndpointEntry> endpoint_entries(const LocalView& view) {
  Table<EndpointEntry> table;
  for (const auto& endpoint : view.endpoints) {
    table.emplace(
        EndpointEntry::Key{endpoint.address},
        EndpointEntry{
            .device = endpoint.device, .pod_mac = endpoint.pod_mac, .host_mac = endpoint.host_mac});
  }
  return table;
}

Table<Attachment> attachments(const LocalView& view) {
  Table<Attachment> table;
  const auto attach = [&](const std::string& dev, bool ingress, const char* program) {
    const auto tag = view.program_tags.find(program);
    table.emplace(
        Attachment::Key{dev, ingress},
        Attachment{.program = program, .tag = tag == view.program_tags.end() ? "" : tag->second});
  };
  attach(view.uplink.name, true, "pell_uplink_in");
  attach(view.uplink.name, false, "pell_uplink_out");
  attach(kNetDevice, true, "pell_net_in");
  attach(kHostDevice, false, "pell_host_out");
  for (const auto& endpoint : view.endpoints) attach(endpoint.device, true, "pell_lxc_in");
  return table;
}

}  // namespace pellicle
