#include "agent/preflight/clock.h"

#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;

namespace {

constexpr std::time_t kLate2026 = 1'795'000'000;  // 2026-11-18 11:06:40 UTC

}  // namespace

TEST_CASE("preflight: a clock that nobody synchronises is a warning, one of another year fails") {
  CHECK(judge_clock({.now = kLate2026, .synchronised = true}, 2026).found ==
        "2026-11-18 11:06:40 UTC, synchronised");
  CHECK(judge_clock({.now = kLate2026, .synchronised = true}, 2026).verdict == Verdict::ok);
  CHECK(judge_clock({.now = kLate2026, .synchronised = false}, 2026).verdict == Verdict::warn);
  CHECK(judge_clock({.now = kLate2026, .synchronised = true}, 2025).verdict == Verdict::ok);
  CHECK(judge_clock({.now = kLate2026, .synchronised = true}, 2027).verdict == Verdict::fail);
  CHECK(judge_clock({.now = 0, .synchronised = true}, 2026).verdict == Verdict::fail);
}

TEST_CASE("preflight: this machine's clock is read, and is not before this program's build") {
  CHECK(build_year() >= 2025);
  CHECK(judge_clock(read_clock(), build_year()).verdict != Verdict::fail);
}

}  // namespace this_file
