// Somebody who changes what is Pellicle's again and again: how much of a CPU the answer may cost,
// and what is said of it.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/kernel/notifications.h"
#include "agent/passes.h"

namespace pellicle {

class Contention {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // After a pass, one that the kernel's notifications ask for waits four times what it took, a
  // second at most: a fifth of one CPU, whatever comes. The first one never waits.
  static constexpr int kRest = 4;
  // So many repairs, each so soon after the rest that followed the one before, are no accident any
  // more. It ends when none was needed for so long.
  static constexpr size_t kMany = 30;
  static constexpr std::chrono::milliseconds kSoonAfter{250};
  static constexpr std::chrono::seconds kQuiet{30};

  // Others changed the kernel, and a pass is to answer within `wish`: within what it has to be.
  std::chrono::milliseconds answer(const Changes& changes, std::chrono::milliseconds wish,
                                   Time now);
  // A pass was made, or failed.
  void passed(const PassOutcome& outcome, Time now);

  std::optional<Problem> problem(Time now) const;

 private:
  void count(const Inputs& inputs, Time now);

  Changes asked_;     // since the last pass
  Changes repaired_;  // what they were when it changed something
  double spent_ = 0;  // seconds, on all passes
  std::chrono::steady_clock::duration rest_{};
  std::chrono::steady_clock::duration rest_before_{};
  Time last_pass_{};
  std::chrono::system_clock::time_point last_change_{};
  std::map<std::string, Node> nodes_;  // the same all along: the cluster is not what changes
  std::vector<Endpoint> endpoints_;
  size_t repairs_ = 0;
  Time last_repair_{};
};

}  // namespace pellicle
