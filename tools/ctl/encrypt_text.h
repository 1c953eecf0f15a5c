// The state of encryption as a person and as a script that knows Cilium reads it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace pellicle::ctl {

// `encryption` in all of these is what the agent answers to "encrypt".

// Cilium's lines, then the states by peer, on an 80-column terminal: a few peers, those with
// failures first, or all of them.
std::string encrypt_text(const nlohmann::ordered_json& encryption, bool verbose);

// Some of its states, a line or two each: what is about to be removed.
std::string state_list(const nlohmann::ordered_json& states);

// Cilium's fields (mode, ipsec), and `states` beside them.
nlohmann::ordered_json encrypt_json(const nlohmann::ordered_json& encryption);

}  // namespace pellicle::ctl
