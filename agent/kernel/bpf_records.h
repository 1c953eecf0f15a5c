// The model's values as the bytes the eBPF programs read, and back.
#pragma once

#include <functional>
#include <string>

#include "agent/model/objects.h"
#include "bpf/datapath.h"

namespace pellicle {

// The interface index of a device, throwing OsError (ENODEV) where there is none, and the name of
// an index, empty where there is none.
using IndexOf = std::function<uint32_t(const std::string&)>;
using NameOf = std::function<std::string(uint32_t)>;

datapath::datapath_config config_record(const DatapathConfig& value, const IndexOf& index_of);
DatapathConfig config_value(const datapath::datapath_config& record, const NameOf& name_of);
bool is_empty(const datapath::datapath_config& record);  // never filled, or cleared

datapath::peer_key peer_record_key(const PeerEntry::Key& key);
PeerEntry::Key peer_value_key(const datapath::peer_key& record);

datapath::endpoint_value endpoint_record(const EndpointEntry& value, const IndexOf& index_of);
EndpointEntry endpoint_entry(const datapath::endpoint_value& record, const NameOf& name_of);

IpAddress address_from_network_order(uint32_t address);

}  // namespace pellicle
