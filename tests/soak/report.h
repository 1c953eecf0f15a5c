// What a soak prints: a line every few seconds, and a table at its end.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/soak/cluster.h"

namespace pellicle::soak {

struct Tally {
  size_t rounds = 0;
  double seconds = 0;
  uint64_t lost = 0;     // packets, all of them explained or findings
  uint64_t dropped = 0;  // of them, counted by eBPF programs or XFRM
};

class Report {
 public:
  // Prints a line when the last one is some seconds old.
  void progress(Cluster& cluster, const std::map<std::string, Tally>& tallies);
  void table(Cluster& cluster, const std::map<std::string, Tally>& tallies) const;

 private:
  void sample(Cluster& cluster);
  std::map<std::string, std::vector<size_t>> memory_;  // by node that stays, at every line
  double last_ = -1000;
};

// The numbers as eight heights, at most `width` of them: each is the largest of its share. The
// lowest height is the smallest number.
std::string sparkline(const std::vector<size_t>& numbers, size_t width);

}  // namespace pellicle::soak
