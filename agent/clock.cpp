#include "agent/clock.h"

#include <ctime>

namespace pellicle {

std::string time_text(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

std::optional<std::chrono::system_clock::time_point> parse_time(const std::string& text) {
  std::tm parts{};
  const char* end = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  // The clock counts nanoseconds in 64 bits: it ends in the year 2262.
  constexpr auto last =
      std::chrono::floor<std::chrono::seconds>(WallClock::duration::max()).count();
  const std::time_t seconds = timegm(&parts);
  if (seconds > last || seconds < -last) return std::nullopt;
  const auto time = WallClock::from_time_t(seconds);
  return time_text(time) == text ? std::optional(time) : std::nullopt;
}

std::string now_text() {
  return time_text(std::chrono::system_clock::now());
}

}  // namespace pellicle
