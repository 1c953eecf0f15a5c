// The nodes of the cluster as text, for an 80-column terminal.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace pellicle::ctl {

// `status`: the agent's answer to "status". This node first, then its peers, then PodCIDRs of nodes
// that are not ready: packets to them are dropped.
std::string node_text(const nlohmann::ordered_json& status);
nlohmann::ordered_json node_json(const nlohmann::ordered_json& status);

}  // namespace pellicle::ctl
