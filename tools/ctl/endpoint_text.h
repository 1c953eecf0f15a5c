// The pods of this node as a person reads them, on an 80-column terminal.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace pellicle::ctl {

// `endpoints` is what the agent answers to pod-list. A row a pod, by name; further addresses of a
// pod below its first.
std::string endpoint_text(const nlohmann::ordered_json& endpoints);

}  // namespace pellicle::ctl
