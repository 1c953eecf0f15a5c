#include "agent/desired/local_view.h"

namespace pellicle {

Table<DatapathConfig> datapath_config(const LocalView& view) {
  DatapathConfig config{.host_device = kHostDevice,
                        .net_device = kNetDevice,
                        .uplink = view.uplink.name,
                        .host_encryption = view.host_encryption};
  for (const auto& own : view.families) {
    const bool ipv4 = own.family() == Family::v4;
    (ipv4 ? config.v4 : config.v6) = {.pod_cidr = own.local_cidr, .router = own.router};
    (ipv4 ? config.address4 : config.address6) = own.address;
  }
  return {{{}, config}};
}

Table<PeerEntry> peer_entries(const LocalView& view) {
  Table<PeerEntry> table;
  for (const auto& own : view.families) {
    for (const auto& cidr : own.unready) table[{cidr}] = {.key_id = 0};
    for (const Peer& peer : own.peers) {
      table[{peer.pod_cidr}] = {.key_id = peer.key_id, .path = cut_path(peer, view)};
    }
  }
  return table;
}

Table<PeerEntry> node_peer_entries(const LocalView& view) {
  Table<PeerEntry> table;
  if (!view.host_encryption || view.keys.empty()) return table;
  for (const auto& own : view.families) {
    for (const Peer& peer : own.peers) {
      if (!peer.accepts_host_encryption) continue;
      table[{Cidr::host(peer.internal_ip)}] = {.key_id = peer.key_id, .node = true};
    }
  }
  return table;
}

Attachment attachment(const char* program, const ProgramTags& tags) {
  const auto tag = tags.find(program);
  return {.program = program, .tag = tag == tags.end() ? "" : tag->second};
}

Table<Attachment> attachments(const LocalView& view) {
  Table<Attachment> table;
  const auto attach = [&](const std::string& dev, bool ingress, const char* program) {
    table.emplace(Attachment::Key{dev, ingress}, attachment(program, view.program_tags));
  };
  for (const auto& [device, ethernet] : view.uplinks) {
    attach(device, true, ethernet ? "pell_uplink_in" : "pell_l3_in");
  }
  attach(kNetDevice, true, "pell_net_in");
  attach(kHostDevice, false, "pell_host_out");
  return table;
}

Table<Attachment> auditors(const LocalView& view) {
  Table<Attachment> table;
  for (const auto& [device, ethernet] : view.uplinks) {
    const char* program = ethernet ? "pell_uplink_out" : "pell_l3_out";
    table.emplace(Attachment::Key{device, false}, attachment(program, view.program_tags));
  }
  return table;
}

}  // namespace pellicle
