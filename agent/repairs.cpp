#include "agent/repairs.h"

#include <algorithm>

namespace pellicle {

std::optional<std::string> repair(const Plan& made, const KernelState& before,
                                  const KernelState& found) {
  const auto again = plan(before, found);
  // After a flush both are ten thousands: the first of them are enough to tell.
  constexpr size_t kEnough = 100;
  const auto end = made.begin() + static_cast<long>(std::min(made.size(), kEnough));
  const auto first = std::find_first_of(made.begin(), end, again.begin(), again.end());
  return first == end ? std::nullopt : std::optional(describe(*first));
}

void Repairs::note(const std::string& operation, Clock::time_point now) {
  std::erase_if(times_, [&](const auto& each) { return now - each.second.back() > kWithin; });
  auto& times = times_[operation];
  times.push_back(now);
  if (times.size() > kMany) times.pop_front();
}

std::optional<Problem> Repairs::problem(Clock::time_point now) const {
  for (const auto& [operation, times] : times_) {
    if (times.size() < kMany || now - times.front() > kWithin) continue;
    return Problem{.object = "Kernel contested",
                   .field = "",
                   .sentence = "somebody else on this node undoes what is programmed: '" +
                               operation + "' had to be done at least " + std::to_string(kMany) +
                               " times within " + std::to_string(kWithin.count()) +
                               " minutes; expected that nothing else manages this object"};
  }
  return std::nullopt;
}

}  // namespace pellicle
