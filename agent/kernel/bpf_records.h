// Converts the model's values to the records of the eBPF maps, and back.
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <string>

#include "agent/model/datapath_event.h"
#include "agent/model/forgery.h"
#include "agent/model/objects.h"
#include "agent/model/path.h"
#include "bpf/datapath.h"

namespace pellicle {

// In the order of enum drop_reason.
inline constexpr std::array kDropReasons = {"no_key",      "unencrypted", "no_endpoint", "no_route",
                                            "malformed",   "no_config",   "tagged",      "forged",
                                            "forged_node", "clear_text"};
static_assert(kDropReasons.size() == datapath::DROP_REASONS);

// IndexOf: the interface index of a device; throws OsError (ENODEV) if there is none. NameOf: the
// device name of an index; empty if there is none.
using IndexOf = std::function<uint32_t(const std::string&)>;
using NameOf = std::function<std::string(uint32_t)>;

datapath::datapath_config config_record(const DatapathConfig& value, const IndexOf& index_of);
DatapathConfig config_value(const datapath::datapath_config& record, const NameOf& name_of);
bool is_empty(const datapath::datapath_config& record);  // never written, or cleared

datapath::peer_key peer_record_key(const PeerEntry::Key& key);    // of the IPv4 map
datapath::peer6_key peer6_record_key(const PeerEntry::Key& key);  // of the IPv6 map
PeerEntry::Key peer_value_key(const datapath::peer_key& record);
PeerEntry::Key peer_value_key(const datapath::peer6_key& record);

datapath::endpoint_value endpoint_record(const EndpointEntry& value, const IndexOf& index_of);
EndpointEntry endpoint_entry(const datapath::endpoint_value& record, const NameOf& name_of);

datapath::owner_value owner_record(const AddressOwner& value);
AddressOwner owner_entry(const datapath::owner_value& record, Family family);

Forgery forgery_value(const datapath::forgery& record, const datapath::drop_value& count);

// The device name "#17" means the interface index 17.
datapath::source_key source_record_key(const PodSource::Key& key, const IndexOf& index_of);
PodSource::Key source_value_key(const datapath::source_key& record, const NameOf& name_of);

// Both families. An IPv4 address is the first word of the record; the IPv4 map's key is that word.
datapath::ip_address address_record(const IpAddress& address);
IpAddress address_value(const datapath::ip_address& record, Family family);
IpAddress address_from_network_order(uint32_t address);

// `boot` is the time where CLOCK_MONOTONIC is 0, since the system clock's epoch.
DatapathEvent event_value(const datapath::event& record, std::chrono::nanoseconds boot,
                          const NameOf& name_of);

PathReport path_report_value(const datapath::path_report& record);

}  // namespace pellicle
