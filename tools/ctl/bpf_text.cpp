#include "tools/ctl/bpf_text.h"

#include "tools/ctl/screen.h"
#include "tools/ctl/table.h"

namespace pellicle::ctl {

namespace {

using Json = nlohmann::ordered_json;

Json peer_json(const PeerEntry::Key& key, const PeerEntry& entry) {
  Json peer{{"cidr", key.cidr.to_string()}, {"kind", "pods"}, {"action", "encrypt"}};
  if (entry.node) peer["kind"] = "node";
  const bool sends = entry.key_id != 0;
  if (!sends) peer["action"] = "drop";
  peer["key"] = sends ? Json(entry.key_id) : Json(nullptr);
  return peer;
}

std::string number(const Json& object, const char* field) {
  const auto& value = object.at(field);
  return value.is_null() ? "-" : value.dump();
}

Json network_json(const std::optional<DatapathConfig::Network>& network) {
  if (!network) return nullptr;
  return {{"podCIDR", network->pod_cidr.to_string()}, {"ciliumHost", network->router.to_string()}};
}

Json entry_json(const HookEntry& entry, size_t position) {
  Json json{{"position", position}, {"kind", entry.kind}, {"ours", entry.ours},
            {"program", nullptr},   {"id", nullptr},      {"tag", nullptr},
            {"priority", nullptr},  {"handle", nullptr}};
  if (!entry.program.empty()) json["program"] = entry.program;
  if (entry.id != 0) json["id"] = entry.id;
  if (!entry.tag.empty()) json["tag"] = entry.tag;
  if (!entry.is_tcx()) json["priority"] = entry.priority;
  if (entry.handle != 0) json["handle"] = entry.handle;
  return json;
}

// At most as long as a program's name may be. An entry that is no eBPF program shows its kind.
std::string program_words(const Json& entry) {
  constexpr size_t kLongest = 15;
  if (!entry.at("id").is_null()) return text_of(entry, "program").substr(0, kLongest);
  const auto kind = text_of(entry, "kind");
  return kind == "bpf" ? "(classic BPF)" : "(" + kind + ")";
}

}  // namespace

Json bpf_maps_json(const std::vector<MapUse>& maps) {
  Json all = Json::array();
  for (const auto& map : maps) {
    all.push_back({{"name", map.name},
                   {"type", map.type},
                   {"entries", map.entries ? Json(*map.entries) : Json()},
                   {"maxEntries", map.max_entries},
                   {"bytes", map.bytes}});
  }
  return all;
}

Json bpf_peers_json(const KernelState& state) {
  Json all = Json::array();
  for (const auto* table : {&state.peers, &state.node_peers}) {
    for (const auto& [key, entry] : *table) all.push_back(peer_json(key, entry));
  }
  return all;
}

Json bpf_endpoints_json(const KernelState& state) {
  Json all = Json::array();
  for (const auto& [key, entry] : state.endpoints) {
    all.push_back({{"address", key.address.to_string()},
                   {"device", entry.device},
                   {"podMAC", entry.pod_mac.to_string()},
                   {"hostMAC", entry.host_mac.to_string()}});
  }
  return all;
}

Json bpf_drops_json(const std::map<std::string, DropCount>& drops) {
  Json all = Json::array();
  for (const auto& [reason, count] : drops) {
    all.push_back({{"reason", reason}, {"packets", count.packets}, {"bytes", count.bytes}});
  }
  return all;
}

Json bpf_config_json(const KernelState& state) {
  if (state.datapath_config.empty()) return nullptr;
  const auto& config = state.datapath_config.begin()->second;
  return {{"ipv4", network_json(config.v4)},  {"ipv6", network_json(config.v6)},
          {"hostDevice", config.host_device}, {"netDevice", config.net_device},
          {"uplink", config.uplink},          {"hostEncryption", config.host_encryption}};
}

Json bpf_hooks_json(const std::vector<Hook>& hooks) {
  Json all = Json::array();
  for (const auto& hook : hooks) {
    Json order = Json::array();
    for (const auto& entry : hook.entries) order.push_back(entry_json(entry, order.size() + 1));
    all.push_back({{"device", hook.dev},
                   {"direction", hook.direction()},
                   {"oursFirst", hook.ours() != nullptr && hook.ahead().empty()},
                   {"order", order}});
  }
  return all;
}

std::string bpf_maps_text(const Json& maps) {
  std::vector<Row> rows{{"MAP", "TYPE", "ENTRIES", "BYTES"}};
  for (const auto& map : maps) {
    rows.push_back({text_of(map, "name"), text_of(map, "type"),
                    map.at("entries").is_null()
                        ? "-"
                        : number(map, "entries") + "/" + number(map, "maxEntries"),
                    number(map, "bytes")});
  }
  return table(rows);
}

std::string bpf_peers_text(const Json& peers) {
  if (peers.empty()) return "no peers: nothing is sent encrypted\n";
  std::vector<Row> rows{{"DESTINATION", "WHAT", "ACTION", "KEY"}};
  for (const auto& peer : peers) {
    const auto kind = text_of(peer, "kind");
    rows.push_back({text_of(peer, "cidr"), kind == "pods" ? "a node's pods" : "a node's address",
                    text_of(peer, "action"), number(peer, "key")});
  }
  return table(rows);
}

std::string bpf_endpoints_text(const Json& endpoints) {
  if (endpoints.empty()) return "no pods on this node\n";
  std::vector<Row> rows{{"ADDRESS", "DEVICE", "POD MAC", "HOST MAC"}};
  for (const auto& endpoint : endpoints) {
    rows.push_back({text_of(endpoint, "address"), text_of(endpoint, "device"),
                    text_of(endpoint, "podMAC"), text_of(endpoint, "hostMAC")});
  }
  return table(rows);
}

std::string bpf_drops_text(const Json& drops, bool all) {
  std::vector<Row> rows{{"REASON", "PACKETS", "BYTES"}};
  for (const auto& drop : drops) {
    if (!all && drop.at("packets") == 0) continue;
    rows.push_back({text_of(drop, "reason"), number(drop, "packets"), number(drop, "bytes")});
  }
  return rows.size() == 1 ? "no packet was dropped\n" : table(rows);
}

std::string bpf_config_text(const Json& config) {
  if (config.is_null()) return "not filled: the programs drop what pods send to other nodes\n";
  std::string text;
  for (const char* family : {"ipv4", "ipv6"}) {
    const auto& network = config.at(family);
    text += std::string(family) + " = " +
            (network.is_null() ? "none"
                               : text_of(network, "podCIDR") + ", cilium_host " +
                                     text_of(network, "ciliumHost")) +
            "\n";
  }
  for (const char* device : {"hostDevice", "netDevice", "uplink"}) {
    text += std::string(device) + " = " + text_of(config, device) + "\n";
  }
  text += "hostEncryption = " + config.at("hostEncryption").dump() + "\n";
  return text;
}

std::string bpf_hooks_text(const Json& hooks, const std::vector<Problem>& problems) {
  if (hooks.empty()) return "no program of Pellicle's is on a device\n";
  std::vector<Row> rows{{"DEVICE", "HOOK", "RUNS", "PRIO", "PROGRAM", "ID", "TAG"}};
  for (const auto& hook : hooks) {
    for (const auto& entry : hook.at("order")) {
      const bool tcx = text_of(entry, "kind") == "tcx";
      rows.push_back({text_of(hook, "device"), text_of(hook, "direction"),
                      number(entry, "position"), tcx ? "tcx" : number(entry, "priority"),
                      program_words(entry), number(entry, "id"), text_of(entry, "tag")});
    }
  }
  Screen below(false);
  for (const auto& problem : problems) below.paragraph(0, problem.to_string());
  return table(rows) + below.text();
}

}  // namespace pellicle::ctl
