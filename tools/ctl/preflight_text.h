// What `pellicle preflight` shows.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace pellicle::ctl {

// Of preflight_json(): a line for each finding under its topic, at most 80 columns.
std::string preflight_text(const nlohmann::ordered_json& preflight, bool colour);

}  // namespace pellicle::ctl
