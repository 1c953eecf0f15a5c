#include "agent/pass_pace.h"

#include <algorithm>

#include "agent/core/passes.h"

namespace pellicle {

namespace {

bool can_wait(const std::string& change) {
  return change == kPodLinkChange || change == kNetfilterChange || change == kDaemonRouteChange;
}

}  // namespace

std::chrono::milliseconds PassPace::of(const Changes& changes, Clock::time_point now) {
  if (!std::all_of(changes.begin(), changes.end(), can_wait)) return Passes::kAtOnce;
  if (!changes.contains(kDaemonRouteChange)) return Passes::kSoon;
  if (now - answered_ < Passes::kSoon) return Passes::kSoon;
  answered_ = now;
  return Passes::kAtOnce;
}

}  // namespace pellicle
