// Request to read or change the log level, see server.h.
#pragma once

#include <nlohmann/json.hpp>

namespace pellicle {

// {"level": "debug"} changes the level until the agent restarts; without it nothing changes.
// Answers {"level": "debug", "before": "info"}. Throws RequestError (kErrorInvalid).
nlohmann::json log_level(const nlohmann::json& params);

}  // namespace pellicle
