#include "agent/kernel/bpf_dump.h"

#include <net/if.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "agent/kernel/bpf_attachments.h"
#include "agent/kernel/bpf_records.h"
#include "agent/kernel/os_error.h"

namespace pellicle {

namespace {

// Reads all names at once: if_indextoname() costs three system calls for each.
DeviceNames device_names() {
  DeviceNames names;
  struct if_nameindex* all = if_nameindex();
  if (all == nullptr) throw OsError(errno, std::string("list devices: ") + std::strerror(errno));
  for (const struct if_nameindex* entry = all; entry->if_index != 0; ++entry)
    names.emplace(entry->if_index, entry->if_name);
  if_freenameindex(all);
  return names;
}

NameOf name_in(const DeviceNames& names) {
  return [&names](uint32_t index) {
    const auto found = names.find(index);
    return found == names.end() ? std::string() : found->second;
  };
}

template <class Record>
Record record_at(const std::vector<uint8_t>& bytes, size_t index) {
  Record record;
  std::memcpy(&record, bytes.data() + index * sizeof(Record), sizeof(Record));
  return record;
}

void dump_config(const BpfMap& map, const NameOf& name_of, KernelState& into) {
  const uint32_t zero = 0;
  datapath::datapath_config record{};
  if (lookup_bytes(map.fd.get(), &zero, &record, "the datapath configuration") && !is_empty(record))
    into.datapath_config.emplace(DatapathConfig::Key{}, config_value(record, name_of));
}

template <class RecordKey>
void dump_peers(const BpfMap& map, KernelState& into) {
  const RawEntries entries = all_entries(map, "the peers map");
  for (size_t i = 0; i < entries.count; ++i) {
    const auto value = record_at<datapath::peer_value>(entries.values, i);
    auto& table = value.node != 0 ? into.node_peers : into.peers;
    table.emplace(peer_value_key(record_at<RecordKey>(entries.keys, i)),
                  PeerEntry{.key_id = static_cast<uint8_t>(value.key_id),
                            .node = value.node != 0,
                            .path = value.path});
  }
}

template <class RecordKey>
void dump_owners(const BpfMap& map, KernelState& into) {
  const RawEntries entries = all_entries(map, "the owners map");
  for (size_t i = 0; i < entries.count; ++i) {
    const auto cidr = peer_value_key(record_at<RecordKey>(entries.keys, i)).cidr;
    const auto value = record_at<datapath::owner_value>(entries.values, i);
    into.owners.emplace(AddressOwner::Key{cidr}, owner_entry(value, cidr.family()));
  }
}

IpAddress endpoint_address(uint32_t record) {
  return address_from_network_order(record);
}

IpAddress endpoint_address(const datapath::ip_address& record) {
  return address_value(record, Family::v6);
}

template <class RecordKey>
void dump_endpoints(const BpfMap& map, const NameOf& name_of, KernelState& into) {
  const RawEntries entries = all_entries(map, "the endpoints map");
  for (size_t i = 0; i < entries.count; ++i)
    into.endpoints.emplace(
        EndpointEntry::Key{endpoint_address(record_at<RecordKey>(entries.keys, i))},
        endpoint_entry(record_at<datapath::endpoint_value>(entries.values, i), name_of));
}

void dump_sources(const BpfMap& map, const NameOf& name_of, KernelState& into) {
  const RawEntries entries = all_entries(map, "the sources map");
  for (size_t i = 0; i < entries.count; ++i) {
    const auto record = record_at<datapath::source_key>(entries.keys, i);
    into.sources[source_value_key(record, name_of)] = {};
  }
}

const BpfMap* find(const BpfMaps& maps, const char* name) {
  const auto map = maps.find(name);
  return map == maps.end() ? nullptr : &map->second;
}

}  // namespace

void dump_bpf(NetlinkSocket& socket, const BpfMaps& pinned, KernelState& into) {
  const auto names = device_names();
  if (const BpfMap* map = find(pinned, MAP_CONFIG)) dump_config(*map, name_in(names), into);
  if (const BpfMap* map = find(pinned, MAP_PEERS)) dump_peers<datapath::peer_key>(*map, into);
  if (const BpfMap* map = find(pinned, MAP_PEERS6)) dump_peers<datapath::peer6_key>(*map, into);
  if (const BpfMap* map = find(pinned, MAP_ENDPOINTS))
    dump_endpoints<uint32_t>(*map, name_in(names), into);
  if (const BpfMap* map = find(pinned, MAP_ENDPOINTS6))
    dump_endpoints<datapath::ip_address>(*map, name_in(names), into);
  if (const BpfMap* map = find(pinned, MAP_OWNERS)) dump_owners<datapath::peer_key>(*map, into);
  if (const BpfMap* map = find(pinned, MAP_OWNERS6)) dump_owners<datapath::peer6_key>(*map, into);
  if (const BpfMap* map = find(pinned, MAP_SOURCES)) dump_sources(*map, name_in(names), into);
  dump_attachments(socket, pinned, names, into);
}

}  // namespace pellicle
