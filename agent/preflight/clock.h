// The node's clock: certificates and tokens of the API server are for a time. Judging is pure.
#pragma once

#include <ctime>

#include "agent/preflight/finding.h"

namespace pellicle {

struct ClockFacts {
  std::time_t now = 0;
  bool synchronised = false;  // by the kernel's word (adjtimex)
};
ClockFacts read_clock();

int build_year();  // when this program was built

Finding judge_clock(const ClockFacts& facts, int built);

}  // namespace pellicle
