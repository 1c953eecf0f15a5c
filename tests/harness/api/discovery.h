// The documents by which clients such as kubectl learn what is served, and how the server is.
#pragma once

#include <optional>
#include <string>

#include "tests/harness/api/message.h"

namespace pellicle::api {

// The answer for a path that names no object; nothing if the path is unknown.
std::optional<Response> discovery(const std::string& path);

}  // namespace pellicle::api
