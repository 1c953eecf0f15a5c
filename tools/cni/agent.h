// One question to the agent of this node, over its unix socket.
#pragma once

#include <chrono>
#include <string>

#include "tools/agent_line.h"
#include "tools/cni/configuration.h"

namespace pellicle::cni {

inline constexpr size_t kLongestAnswer = 1 << 20;  // bytes

// The "result" of the request. Waits at most `limit` for each of connecting, sending and the
// answer. NoAnswer; Failure when the agent refuses, with its code where a runtime may see that.
// `descriptor` is handed over with the request, unless it is negative.
Json ask(const std::string& socket, const std::string& method, const Json& params,
         std::chrono::milliseconds limit, int descriptor = -1);

}  // namespace pellicle::cni
