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

std::string now_text() {
  return time_text(std::chrono::system_clock::now());
}

}  // namespace pellicle
