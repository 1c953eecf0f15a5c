// The content of the eBPF maps as text and as JSON.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "agent/kernel/bpf_use.h"
#include "agent/model/drop_count.h"
#include "agent/model/hook.h"
#include "agent/model/kernel_state.h"

namespace pellicle::ctl {

// The field names are a stable interface; only additions are allowed.
nlohmann::ordered_json bpf_maps_json(const std::vector<MapUse>& maps);
nlohmann::ordered_json bpf_peers_json(const KernelState& state);
nlohmann::ordered_json bpf_endpoints_json(const KernelState& state);
nlohmann::ordered_json bpf_drops_json(const std::map<std::string, DropCount>& drops);
nlohmann::ordered_json bpf_config_json(const KernelState& state);  // null: the map is empty
nlohmann::ordered_json bpf_hooks_json(const std::vector<Hook>& hooks);

// The JSON above as text for a terminal.
std::string bpf_maps_text(const nlohmann::ordered_json& maps);
std::string bpf_peers_text(const nlohmann::ordered_json& peers);
std::string bpf_endpoints_text(const nlohmann::ordered_json& endpoints);
std::string bpf_drops_text(const nlohmann::ordered_json& drops, bool all);  // false: without zero
                                                                            // counters
std::string bpf_config_text(const nlohmann::ordered_json& config);
// `problems`: those of these hooks, shown below the table.
std::string bpf_hooks_text(const nlohmann::ordered_json& hooks,
                           const std::vector<Problem>& problems);

}  // namespace pellicle::ctl
