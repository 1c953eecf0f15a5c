#include "agent/kernel/bpf_records.h"

#include <arpa/inet.h>

#include <bit>
#include <cstring>

namespace pellicle {

namespace {

static_assert(PeerEntry::kNoNode == datapath::KEY_NO_NODE);

uint32_t mask_of(uint8_t length) {
  return length == 0 ? 0 : htonl(~uint32_t{0} << (32 - std::min<int>(length, 32)));
}

}  // namespace

IpAddress address_from_network_order(uint32_t address) {
  return IpAddress::v4(ntohl(address));
}

datapath::datapath_config config_record(const DatapathConfig& value, const IndexOf& index_of) {
  return {.local_address = value.local_cidr.address().v4_network_order(),
          .local_mask = mask_of(value.local_cidr.length()),
          .router = value.router.v4_network_order(),
          .host_ifindex = index_of(value.host_device),
          .net_ifindex = index_of(value.net_device),
          .uplink_ifindex = index_of(value.uplink)};
}

DatapathConfig config_value(const datapath::datapath_config& record, const NameOf& name_of) {
  return {.local_cidr = {address_from_network_order(record.local_address),
                         static_cast<uint8_t>(std::popcount(record.local_mask))},
          .router = address_from_network_order(record.router),
          .host_device = name_of(record.host_ifindex),
          .net_device = name_of(record.net_ifindex),
          .uplink = name_of(record.uplink_ifindex)};
}

bool is_empty(const datapath::datapath_config& record) {
  constexpr datapath::datapath_config kNothing{};
  return std::memcmp(&record, &kNothing, sizeof(record)) == 0;
}

datapath::peer_key peer_record_key(const PeerEntry::Key& key) {
  return {.prefix_length = key.cidr.length(), .address = key.cidr.address().v4_network_order()};
}

PeerEntry::Key peer_value_key(const datapath::peer_key& record) {
  return {.cidr = {address_from_network_order(record.address),
                   static_cast<uint8_t>(record.prefix_length)}};
}

datapath::endpoint_value endpoint_record(const EndpointEntry& value, const IndexOf& index_of) {
  datapath::endpoint_value record{};
  record.ifindex = index_of(value.device);
  std::memcpy(record.pod_mac, value.pod_mac.bytes.data(), sizeof(record.pod_mac));
  std::memcpy(record.host_mac, value.host_mac.bytes.data(), sizeof(record.host_mac));
  return record;
}

EndpointEntry endpoint_entry(const datapath::endpoint_value& record, const NameOf& name_of) {
  EndpointEntry value{.device = name_of(record.ifindex)};
  std::memcpy(value.pod_mac.bytes.data(), record.pod_mac, sizeof(record.pod_mac));
  std::memcpy(value.host_mac.bytes.data(), record.host_mac, sizeof(record.host_mac));
  return value;
}

}  // namespace pellicle
