// How soon a pass follows foreign changes in the kernel.
#include "agent/pass_pace.h"

#include "agent/core/passes.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using namespace std::chrono_literals;

TEST_CASE("pace: what traffic depends on is answered at once, also among other changes") {
  PassPace pace;
  const auto now = PassPace::Clock::now();
  for (const char* change : {"route", "rule", "link", "address", "tc", "xfrm state"}) {
    CHECK(pace.of({change}, now) == Passes::kAtOnce);
    CHECK(pace.of({change, kPodLinkChange, kDaemonRouteChange}, now) == Passes::kAtOnce);
  }
  CHECK(pace.of({kPodLinkChange}, now) == Passes::kSoon);
  CHECK(pace.of({kNetfilterChange, kPodLinkChange}, now) == Passes::kSoon);
}

TEST_CASE("pace: a routing daemon's first route is answered at once, its next ones together") {
  PassPace pace;
  const auto now = PassPace::Clock::now();
  CHECK(pace.of({kDaemonRouteChange}, now) == Passes::kAtOnce);
  for (auto later = 10ms; later < Passes::kSoon; later += 10ms) {
    CHECK(pace.of({kDaemonRouteChange}, now + later) == Passes::kSoon);
  }
  CHECK(pace.of({kDaemonRouteChange}, now + Passes::kSoon) == Passes::kAtOnce);
  CHECK(pace.of({kDaemonRouteChange, kNetfilterChange}, now + Passes::kSoon) == Passes::kSoon);
}

}  // namespace this_file
