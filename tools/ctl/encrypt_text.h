// The state of encryption as text, and as JSON for scripts that know Cilium.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace pellicle::ctl {

// `encryption` is always the agent's answer to "encrypt".

// Cilium's lines, then the states by peer, for an 80-column terminal: a few peers, those with
// failures first, or with `verbose` all of them.
std::string encrypt_text(const nlohmann::ordered_json& encryption, bool verbose);

// Some states of that answer, a line or two each, such as those about to be removed.
std::string state_list(const nlohmann::ordered_json& states);

// Cilium's fields (mode, ipsec), with `states` added.
nlohmann::ordered_json encrypt_json(const nlohmann::ordered_json& encryption);

}  // namespace pellicle::ctl
