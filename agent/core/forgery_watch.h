// Packets with another node's source address: what the eBPF programs counted, reported while it
// goes on.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "agent/desired/desired.h"
#include "agent/model/forgery.h"

namespace pellicle {

// One kind of forgery, both address families summed.
struct ToldForgery {
  const char* kind = "";  // "in_esp", "clear_dropped", "clear_observed"
  std::string sender;     // name of the node whose ESP carried it; empty: clear text, or one key
                          // serves all nodes
  std::string owner;  // name of the node that owns the address; the address itself if no Node owns
                      // it now
  DropCount count;
};
std::vector<ToldForgery> told(const std::vector<Forgery>& forgeries, const Cluster& cluster);

class ForgeryWatch {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::minutes kTold{10};  // a problem ends this long after the last
                                                    // packet

  // `counted`: all counters now. Counts that exist at the first look are older and not reported.
  void look(std::vector<Forgery> counted, Clock::time_point now);

  const std::vector<Forgery>& counted() const { return counted_; }
  // One problem per pair of nodes, for packets within the last ten minutes.
  std::vector<Problem> problems(const Cluster& cluster, Clock::time_point now) const;

 private:
  static Forgery key_of(Forgery forgery);
  std::vector<Forgery> counted_;
  std::map<Forgery, Clock::time_point> grown_;  // keys have count zero; value: when it last grew
  bool looked_ = false;
};

}  // namespace pellicle
