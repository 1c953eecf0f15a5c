#include <algorithm>

#include "agent/kube/list_watch.h"

namespace pellicle {

// splitmix64 (public domain): small, and random enough to spread agents out.
uint64_t next_random(uint64_t& seed) {
  uint64_t z = (seed += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

std::chrono::milliseconds backoff(uint32_t failures, uint64_t& seed, const Pace& pace) {
  const auto base =
      std::min(pace.first_backoff * (1U << std::min(failures, 10U)), pace.longest_backoff);
  const auto extra = next_random(seed) % static_cast<uint64_t>(base.count() / 2 + 1);
  return std::min(base + std::chrono::milliseconds(extra), pace.longest_backoff);
}

}  // namespace pellicle
