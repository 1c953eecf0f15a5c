// The nodes of the cluster as a person reads them, on an 80-column terminal.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace pellicle::ctl {

// `status` is what the agent answers to that. This node first, then its peers, then PodCIDRs of
// nodes that are not ready to be encrypted to: what is for them is dropped.
std::string node_text(const nlohmann::ordered_json& status);
nlohmann::ordered_json node_json(const nlohmann::ordered_json& status);

}  // namespace pellicle::ctl
