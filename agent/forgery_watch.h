// Who speaks in whose name: what the eBPF programs counted, told for as long as it goes on.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "agent/desired/desired.h"
#include "agent/model/forgery.h"

namespace pellicle {

// One kind of it, in words; both families together.
struct ToldForgery {
  const char* kind = "";  // "in_esp", "clear_dropped", "clear_observed"
  std::string sender;     // the node whose ESP it was; empty: it was none, or one key serves all
  std::string owner;      // the node whose address it had; an address where no Node has it now
  DropCount count;
};
std::vector<ToldForgery> told(const std::vector<Forgery>& forgeries, const Cluster& cluster);

class ForgeryWatch {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::minutes kTold{10};  // after the last packet

  // `counted`: all there are now. What the first look finds happened before.
  void look(std::vector<Forgery> counted, Clock::time_point now);

  const std::vector<Forgery>& counted() const { return counted_; }
  // Of what happened within the last ten minutes, one for each pair of nodes.
  std::vector<Problem> problems(const Cluster& cluster, Clock::time_point now) const;

 private:
  static Forgery key_of(Forgery forgery);
  std::vector<Forgery> counted_;
  std::map<Forgery, Clock::time_point> grown_;  // without their counts
  bool looked_ = false;
};

}  // namespace pellicle
