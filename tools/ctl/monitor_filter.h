// Which of the datapath's events are shown: by their addresses.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "agent/model/datapath_event.h"

namespace pellicle::ctl {

// An event has to satisfy each list that is not empty; one network of it is enough. One without
// addresses satisfies none.
struct MonitorFilter {
  std::vector<Cidr> from;
  std::vector<Cidr> to;
  std::vector<Cidr> related;  // from or to
  std::vector<Cidr> nodes;    // likewise: what nodes and their pods have
  bool takes(const DatapathEvent& event) const;
};

// "10.0.1.52", "fd00:10:1::/64". No value: neither an address nor a network.
std::optional<Cidr> parse_network(const std::string& text);

// All that a peer or this node has, in both families, by its name or one of its addresses: pods,
// the node's own address, cilium_host's. `status` is what the agent answers to that. Empty: no such
// node.
std::vector<Cidr> networks_of_node(const nlohmann::ordered_json& status, const std::string& node);

}  // namespace pellicle::ctl
