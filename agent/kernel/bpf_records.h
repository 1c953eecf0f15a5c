// The model's values as the bytes the eBPF programs read, and back.
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

// The interface index of a device, throwing OsError (ENODEV) where there is none, and the name of
// an index, empty where there is none.
using IndexOf = std::function<uint32_t(const std::string&)>;
using NameOf = std::function<std::string(uint32_t)>;

datapath::datapath_config config_record(const DatapathConfig& value, const IndexOf& index_of);
DatapathConfig config_value(const datapath::datapath_config& record, const NameOf& name_of);
bool is_empty(const datapath::datapath_config& record);  // never filled, or cleared

datapath::peer_key peer_record_key(const PeerEntry::Key& key);    // IPv4's map
datapath::peer6_key peer6_record_key(const PeerEntry::Key& key);  // IPv6's
PeerEntry::Key peer_value_key(const datapath::peer_key& record);
PeerEntry::Key peer_value_key(const datapath::peer6_key& record);

datapath::endpoint_value endpoint_record(const EndpointEntry& value, const IndexOf& index_of);
EndpointEntry endpoint_entry(const datapath::endpoint_value& record, const NameOf& name_of);

datapath::owner_value owner_record(const AddressOwner& value);
AddressOwner owner_entry(const datapath::owner_value& record, Family family);

Forgery forgery_value(const datapath::forgery& record, const datapath::drop_value& count);

// A device of the name "#17" is the one with that number.
datapath::source_key source_record_key(const PodSource::Key& key, const IndexOf& index_of);
PodSource::Key source_value_key(const datapath::source_key& record, const NameOf& name_of);

// Of either family: an IPv4 address is the first word, and so also the key of IPv4's map.
datapath::ip_address address_record(const IpAddress& address);
IpAddress address_value(const datapath::ip_address& record, Family family);
IpAddress address_from_network_order(uint32_t address);

// `boot` is what CLOCK_MONOTONIC counts from, since the system clock's epoch.
DatapathEvent event_value(const datapath::event& record, std::chrono::nanoseconds boot,
                          const NameOf& name_of);

PathReport path_report_value(const datapath::path_report& record);

}  // namespace pellicle
