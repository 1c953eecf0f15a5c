#include "agent/problem_log.h"

#include "agent/log.h"

namespace pellicle {

bool ProblemLog::note(std::vector<Problem> now) {
  Known known;
  bool changed = false;
  for (auto& problem : now) {
    const auto before = known_.find(problem);
    const bool is_new = before == known_.end();
    if (is_new && !known.contains(problem)) {
      log::warn("problem", {{"problem", problem.to_string()}});
      changed = true;
    }
    known.emplace(std::move(problem), is_new ? WallClock::now() : before->second);
  }
  for (const auto& [problem, since] : known_) {
    if (known.contains(problem)) continue;
    log::info("solved", {{"problem", problem.to_string()}});
    changed = true;
  }
  known_ = std::move(known);
  return changed;
}

}  // namespace pellicle
