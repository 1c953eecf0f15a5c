// Versions of this command and of the running agent.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace pellicle::ctl {

// `agent` is null when none answers; then `trouble` says why.
nlohmann::ordered_json version_json(const std::string& client, const nlohmann::ordered_json& agent);
std::string version_text(const nlohmann::ordered_json& versions, const std::string& trouble);

}  // namespace pellicle::ctl
