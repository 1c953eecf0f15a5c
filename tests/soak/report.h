// The soak's output: a line every few seconds, and a table at the end.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/soak/cluster.h"

namespace pellicle::soak {

struct Tally {
  size_t rounds = 0;
  double seconds = 0;
  uint64_t lost = 0;     // packets, each explained or a finding
  uint64_t dropped = 0;  // of those, counted by eBPF programs or XFRM
};

class Report {
 public:
  // Prints a line if the last one is some seconds old.
  void progress(Cluster& cluster, const std::map<std::string, Tally>& tallies);
  void table(Cluster& cluster, const std::map<std::string, Tally>& tallies) const;

 private:
  void sample(Cluster& cluster);
  std::map<std::string, std::vector<size_t>> memory_;  // by permanent node, one value per line
  double last_ = -1000;
};

// The numbers as bars of eight heights, at most `width` bars: each shows the largest number of its
// share. The smallest number has the lowest height.
std::string sparkline(const std::vector<size_t>& numbers, size_t width);

}  // namespace pellicle::soak
