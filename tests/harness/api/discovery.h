// The documents from which clients such as kubectl learn what is served, and the server's health.
#pragma once

#include <optional>
#include <string>

#include "tests/harness/api/message.h"

namespace pellicle::api {

// The answer for a path that names no object; nullopt if the path is unknown.
std::optional<Response> discovery(const std::string& path);

}  // namespace pellicle::api
