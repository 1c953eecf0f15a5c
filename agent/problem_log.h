// The current problems, with the time at which each was first seen.
#pragma once

#include <map>
#include <vector>

#include "agent/clock.h"
#include "agent/model/node.h"

namespace pellicle {

inline void append(std::vector<Problem>& all, const std::vector<Problem>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

class ProblemLog {
 public:
  using Known = std::map<Problem, WallClock::time_point>;

  // Replaces the current problems, and logs those that came or went. Returns true if any did.
  bool note(std::vector<Problem> now);

  const Known& known() const { return known_; }

 private:
  Known known_;
};

}  // namespace pellicle
