#include "agent/contention.h"

#include <algorithm>

namespace pellicle {

namespace {

// Longer than that nothing stays unrepaired for want of a CPU.
constexpr std::chrono::steady_clock::duration kLongestRest = std::chrono::seconds(1);

std::string listed(const Changes& changes) {
  std::string text;
  for (const auto& each : changes) text += (text.empty() ? "" : ", ") + each;
  return text;
}

}  // namespace

std::chrono::milliseconds Contention::answer(const Changes& changes, std::chrono::milliseconds wish,
                                             Time now) {
  asked_.insert(changes.begin(), changes.end());
  const auto due = std::chrono::ceil<std::chrono::milliseconds>(last_pass_ + rest_ - now);
  return std::max(wish, due);
}

void Contention::passed(const PassOutcome& outcome, Time now) {
  const auto& times = outcome.times;
  const double spent = times.dump + times.compute + times.apply;
  rest_before_ = rest_;
  rest_ = std::min(kLongestRest, std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                                     std::chrono::duration<double>(kRest * (spent - spent_))));
  spent_ = spent;
  last_pass_ = now;
  const bool repaired = !asked_.empty() && outcome.last_change != last_change_;
  last_change_ = outcome.last_change;
  if (repaired) count(outcome.inputs, now);
  asked_.clear();
}

void Contention::count(const Inputs& inputs, Time now) {
  const auto soon = 2 * std::max(rest_, rest_before_) + kSoonAfter;
  const bool goes_on = repairs_ > 0 && now - last_repair_ <= soon && inputs.nodes == nodes_ &&
                       inputs.endpoints == endpoints_;
  if (!goes_on) {
    repairs_ = 0;
    repaired_.clear();
    nodes_ = inputs.nodes;
    endpoints_ = inputs.endpoints;
  }
  ++repairs_;
  repaired_.insert(asked_.begin(), asked_.end());
  last_repair_ = now;
}

std::optional<Problem> Contention::problem(Time now) const {
  if (repairs_ < kMany || now - last_repair_ > kQuiet) return std::nullopt;
  return Problem{"Kernel state", "",
                 "somebody changes what is Pellicle's (" + listed(repaired_) +
                     ") as soon as it is repaired; expected to be the only one who does, so stop "
                     "whatever else configures these"};
}

}  // namespace pellicle
