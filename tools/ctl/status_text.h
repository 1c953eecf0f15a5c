// The agent's status as text, for an 80-column terminal.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace pellicle::ctl {

struct StatusText {
  std::string text;
  bool healthy = false;  // false: the text contains something to act on
};

StatusText status_text(const nlohmann::ordered_json& status, bool colour, bool verbose);

}  // namespace pellicle::ctl
