#include "agent/core/repairs.h"

#include <algorithm>

namespace pellicle {

namespace {

bool is_state(const Operation& operation) {
  return std::holds_alternative<Change<State>>(operation);
}

bool same_repair(const Operation& a, const Operation& b) {
  return is_state(a) ? is_state(b) && action(a) == action(b) : a == b;
}

}  // namespace

std::optional<Repair> repair(const Plan& made, const KernelState& before,
                             const KernelState& found) {
  const auto again = plan(before, found);
  // After a flush there are tens of thousands; the first of them are enough.
  constexpr size_t kEnough = 100;
  const auto end = again.begin() + static_cast<long>(std::min(again.size(), kEnough));
  const auto first = std::find_first_of(made.begin(), made.end(), again.begin(), end, same_repair);
  if (first == made.end()) return std::nullopt;
  const auto operation = describe(*first);
  return Repair{.counted_as = is_state(*first) ? "state" : operation, .operation = operation};
}

void Repairs::note(const Repair& repair, Clock::time_point now) {
  std::erase_if(past_, [&](const auto& each) { return now - each.second.times.back() > kWithin; });
  auto& past = past_[repair.counted_as];
  past.operation = repair.operation;
  past.times.push_back(now);
  if (past.times.size() > kMany) past.times.pop_front();
}

std::optional<Problem> Repairs::problem(Clock::time_point now) const {
  for (const auto& [kind, past] : past_) {
    if (past.times.size() < kMany || now - past.times.front() > kWithin) continue;
    const bool one = kind == past.operation;
    return Problem{.object = "Kernel contested",
                   .field = "",
                   .sentence = "somebody else on this node undoes what is programmed: '" +
                               past.operation + "'" + (one ? "" : " or the like") +
                               " had to be done at least " + std::to_string(kMany) +
                               " times within " + std::to_string(kWithin.count()) +
                               " minutes; expected that nothing else manages this object, and "
                               "that its device stays up"};
  }
  return std::nullopt;
}

}  // namespace pellicle
