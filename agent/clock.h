// Times as people and Kubernetes write them.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace pellicle {

// RFC 3339, UTC, whole seconds: "2026-11-23T08:04:08Z".
std::string time_text(std::chrono::system_clock::time_point time);
std::string now_text();

// The same back, and nothing else. No value: another form, or no such time.
std::optional<std::chrono::system_clock::time_point> parse_time(const std::string& text);

}  // namespace pellicle
