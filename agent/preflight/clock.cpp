#include "agent/preflight/clock.h"

#include <sys/timex.h>

namespace pellicle {

namespace {

tm utc(std::time_t time) {
  tm fields{};
  gmtime_r(&time, &fields);
  return fields;
}

}  // namespace

ClockFacts read_clock() {
  timex state{};
  const int result = adjtimex(&state);
  return {.now = std::time(nullptr),
          .synchronised = result >= 0 && result != TIME_ERROR && !(state.status & STA_UNSYNC)};
}

int build_year() {
  return PELLICLE_BUILD_YEAR;
}

Finding judge_clock(const ClockFacts& facts, int built) {
  const tm now = utc(facts.now);
  Finding finding{.topic = kClockTopic, .what = "time"};
  char text[32] = "";
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &now);
  finding.found = text;
  if (now.tm_year + 1900 < built) {
    finding.found += ", before " + std::to_string(built) + ", when this program was built";
    finding.verdict = Verdict::fail;
    finding.remedy = "set the clock: by it no certificate of the API server is valid yet";
  } else if (!facts.synchronised) {
    finding.found += ", synchronised by nobody";
    finding.verdict = Verdict::warn;
    finding.remedy =
        "run chrony or systemd-timesyncd: a clock that drifts ends in refused tokens "
        "and certificates";
  } else {
    finding.found += ", synchronised";
  }
  return finding;
}

}  // namespace pellicle
