// Selects the datapath's events to show, by address.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "agent/model/datapath_event.h"

namespace pellicle::ctl {

// An event must match each non-empty list; one network of a list is enough. An event without
// addresses matches no non-empty list.
struct MonitorFilter {
  std::vector<Cidr> from;
  std::vector<Cidr> to;
  std::vector<Cidr> related;  // source or destination
  std::vector<Cidr> nodes;    // likewise: networks of nodes and their pods
  bool takes(const DatapathEvent& event) const;
};

// "10.0.1.52", "fd00:10:1::/64". nullopt: neither an address nor a network.
std::optional<Cidr> parse_network(const std::string& text);

// All networks of this node or a peer, in both families: pods, the node's own address,
// cilium_host's. `node`: its name or one of its addresses. `status`: the agent's answer to
// "status". Empty: no such node.
std::vector<Cidr> networks_of_node(const nlohmann::ordered_json& status, const std::string& node);

}  // namespace pellicle::ctl
