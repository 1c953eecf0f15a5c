#include "tools/operator/times.h"

#include <chrono>
#include <cstdio>

#include "agent/clock.h"

namespace pellicle {

std::string micro_time_now() {
  const auto now = std::chrono::system_clock::now();
  const auto micros =
      std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count() %
      1'000'000;
  char fraction[16];
  std::snprintf(fraction, sizeof fraction, ".%06dZ", static_cast<int>(micros));
  auto text = time_text(now);
  text.pop_back();  // the Z
  return text + fraction;
}

}  // namespace pellicle
