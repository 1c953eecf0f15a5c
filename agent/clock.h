// The two clocks, and times in the format of Kubernetes.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace pellicle {

using WallClock = std::chrono::system_clock;    // for people
using SteadyClock = std::chrono::steady_clock;  // for pauses and ages

// RFC 3339, UTC, whole seconds: "2026-11-23T08:04:08Z".
std::string time_text(std::chrono::system_clock::time_point time);
std::string now_text();

// Inverse of time_text(); accepts only that format. nullopt: another format, or no valid time.
std::optional<std::chrono::system_clock::time_point> parse_time(const std::string& text);

}  // namespace pellicle
