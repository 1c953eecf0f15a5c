#include "agent/kernel/bpf_records.h"

#include <arpa/inet.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace pellicle {

namespace {

static_assert(kEventKinds.size() == datapath::EVENT_KINDS);
static_assert(int(EventKind::marked) == datapath::EVENT_MARKED);
static_assert(int(EventKind::dropped) == datapath::EVENT_DROPPED);
static_assert(int(ClearText::is_observed) == datapath::CLEAR_IS_OBSERVED);
static_assert(int(ClearText::is_dropped) == datapath::CLEAR_IS_DROPPED);
static_assert(int(ForgeryKind::in_esp) == datapath::FORGED_IN_ESP);
static_assert(int(ForgeryKind::clear_dropped) == datapath::CLEAR_DROPPED);
static_assert(int(ForgeryKind::clear_observed) == datapath::CLEAR_OBSERVED);

constexpr uint32_t kBeforeAddress = 64;  // bits of source_key's prefix

datapath::ip_address mask_record(uint8_t length) {
  datapath::ip_address mask{};
  auto* bytes = reinterpret_cast<uint8_t*>(mask.words);
  for (unsigned bit = 0; bit < length; ++bit) {
    bytes[bit / 8] = static_cast<uint8_t>(bytes[bit / 8] | (0x80U >> (bit % 8)));
  }
  return mask;
}

uint8_t mask_length(const datapath::ip_address& mask) {
  int length = 0;
  for (const uint32_t word : mask.words) length += std::popcount(word);
  return static_cast<uint8_t>(length);
}

datapath::node_network network_record(const std::optional<DatapathConfig::Network>& value,
                                      const std::optional<IpAddress>& address) {
  if (!value) return {};
  return {.prefix = address_record(value->pod_cidr.address()),
          .mask = mask_record(value->pod_cidr.length()),
          .router = address_record(value->router),
          .address = address ? address_record(*address) : datapath::ip_address{}};
}

std::optional<IpAddress> address_or_none(const datapath::ip_address& record, Family family) {
  const auto address = address_value(record, family);
  return address.is_any() ? std::nullopt : std::optional(address);
}

std::optional<DatapathConfig::Network> network_value(const datapath::node_network& record,
                                                     Family family) {
  const auto router = address_value(record.router, family);
  if (router.is_any()) return std::nullopt;
  return DatapathConfig::Network{
      .pod_cidr = {address_value(record.prefix, family), mask_length(record.mask)},
      .router = router};
}

}  // namespace

datapath::ip_address address_record(const IpAddress& address) {
  datapath::ip_address record{};
  std::memcpy(record.words, address.data(), address.size());
  return record;
}

IpAddress address_value(const datapath::ip_address& record, Family family) {
  return {family, reinterpret_cast<const uint8_t*>(record.words)};
}

IpAddress address_from_network_order(uint32_t address) {
  return IpAddress::v4(ntohl(address));
}

datapath::datapath_config config_record(const DatapathConfig& value, const IndexOf& index_of) {
  return {.v4 = network_record(value.v4, value.address4),
          .v6 = network_record(value.v6, value.address6),
          .host_ifindex = index_of(value.host_device),
          .net_ifindex = index_of(value.net_device),
          .uplink_ifindex = index_of(value.uplink),
          .host_encryption = value.host_encryption};
}

DatapathConfig config_value(const datapath::datapath_config& record, const NameOf& name_of) {
  return {.v4 = network_value(record.v4, Family::v4),
          .v6 = network_value(record.v6, Family::v6),
          .address4 = address_or_none(record.v4.address, Family::v4),
          .address6 = address_or_none(record.v6.address, Family::v6),
          .host_device = name_of(record.host_ifindex),
          .net_device = name_of(record.net_ifindex),
          .uplink = name_of(record.uplink_ifindex),
          .host_encryption = record.host_encryption != 0};
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

datapath::peer6_key peer6_record_key(const PeerEntry::Key& key) {
  return {.prefix_length = key.cidr.length(), .address = address_record(key.cidr.address())};
}

PeerEntry::Key peer_value_key(const datapath::peer6_key& record) {
  return {.cidr = {address_value(record.address, Family::v6),
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

datapath::owner_value owner_record(const AddressOwner& value) {
  return {.router = address_record(value.router),
          .to_pods = static_cast<uint16_t>(value.to_pods),
          .to_node = static_cast<uint16_t>(value.to_node)};
}

AddressOwner owner_entry(const datapath::owner_value& record, Family family) {
  return {.router = address_value(record.router, family),
          .to_pods = static_cast<ClearText>(record.to_pods),
          .to_node = static_cast<ClearText>(record.to_node)};
}

Forgery forgery_value(const datapath::forgery& record, const datapath::drop_value& count) {
  const auto family = record.family == AF_INET ? Family::v4 : Family::v6;
  return {.kind = static_cast<ForgeryKind>(record.kind),
          .sender = address_or_none(record.sender, family),
          .owner = address_value(record.owner, family),
          .count = {.packets = count.packets, .bytes = count.bytes}};
}

datapath::source_key source_record_key(const PodSource::Key& key, const IndexOf& index_of) {
  const auto& device = key.device;
  const bool number = device.starts_with('#');
  const auto index = number ? std::stoul(device.substr(1)) : index_of(device);
  const bool ipv4 = key.cidr.family() == Family::v4;
  return {.prefix_length = kBeforeAddress + key.cidr.length(),
          .ifindex = static_cast<uint32_t>(index),
          .family = static_cast<uint32_t>(ipv4 ? AF_INET : AF_INET6),
          .address = address_record(key.cidr.address())};
}

PodSource::Key source_value_key(const datapath::source_key& record, const NameOf& name_of) {
  const auto family = record.family == AF_INET ? Family::v4 : Family::v6;
  auto device = name_of(record.ifindex);
  if (device.empty()) device = "#" + std::to_string(record.ifindex);
  return {.device = std::move(device),
          .cidr = {address_value(record.address, family),
                   static_cast<uint8_t>(record.prefix_length - kBeforeAddress)}};
}

DatapathEvent event_value(const datapath::event& record, std::chrono::nanoseconds boot,
                          const NameOf& name_of) {
  DatapathEvent event{
      .time = std::chrono::system_clock::time_point(boot + std::chrono::nanoseconds(record.time)),
      .kind = static_cast<EventKind>(record.kind),
      .reason = {},
      .ethertype = record.ethertype,
      .length = record.length,
      .device = name_of(record.ifindex)};
  if (event.kind == EventKind::dropped) event.reason = kDropReasons.at(record.reason);
  if (record.family != 0) {
    const Family family = record.family == AF_INET ? Family::v4 : Family::v6;
    event.source = address_value(record.source, family);
    event.destination = address_value(record.destination, family);
    if (record.protocol < 256) event.protocol = static_cast<uint8_t>(record.protocol);
  }
  if (record.source_port != 0 || record.destination_port != 0)
    event.ports = {.source = record.source_port, .destination = record.destination_port};
  if (record.spi != 0) event.spi = record.spi;
  if (record.key_id != 0) event.key_id = record.key_id;
  // The packet has no mark with the key id yet, but the last four bits of Pellicle's SPIs are it.
  if (event.kind == EventKind::received && event.spi)
    event.key_id = static_cast<uint8_t>(record.spi & 15);
  return event;
}

PathReport path_report_value(const datapath::path_report& record) {
  const auto family = record.family == AF_INET ? Family::v4 : Family::v6;
  return {.peer = address_value(record.peer, family),
          .router = address_value(record.router, family),
          .mtu = record.mtu,
          .spi = record.spi};
}

}  // namespace pellicle
