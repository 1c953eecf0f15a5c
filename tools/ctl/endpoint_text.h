// The pods of this node as text, for an 80-column terminal.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace pellicle::ctl {

// `endpoints`: the agent's answer to pod-list. One row per pod, by name; further addresses of a pod
// follow below its first.
std::string endpoint_text(const nlohmann::ordered_json& endpoints);

}  // namespace pellicle::ctl
