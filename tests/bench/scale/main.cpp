// What a cluster's size costs: programming and reading the kernel for many peers, beside the lower
// bound (floor.c) and `ip -batch`, all in one run.
//
//   bench-scale [peers...]   default 100 1000 5000
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include "agent/heap.h"
#include "tests/bench/scale/measure.h"
#include "tests/bench/scale/median.h"
#include "tests/bench/scale/report.h"

using namespace pellicle::bench;

namespace {

// Above this number `ip` takes minutes, and the shared key shows nothing new.
constexpr size_t kMany = 1000;
constexpr int kRounds = 3;

// In turns, so that other load on this machine affects all of them.
Measured measure(size_t peers, KeyForm form) {
  std::vector<Life> lives;
  std::vector<Addition> additions;
  std::vector<Kinds> floors;
  std::vector<double> ips;
  std::vector<Rotation> rotations;
  for (int i = 0; i < kRounds; ++i) {
    lives.push_back(measure_life(peers, form));
    floors.push_back(measure_floor(peers, form));
    additions.push_back(measure_addition(peers, form));
    rotations.push_back(measure_rotation(peers, form));
    ips.push_back(peers > kMany ? 0 : measure_ip(peers, form));
  }
  return {.peers = static_cast<double>(peers),
          .life = median(lives),
          .addition = median(additions),
          .floor = median(floors),
          .ip = median(ips),
          .rotation = median(rotations)};
}

void run(const std::vector<size_t>& sizes) {
  for (const auto form : {KeyForm::per_pair, KeyForm::shared}) {
    std::vector<Measured> all;
    for (const size_t peers : sizes) {
      if (peers > kMany && form == KeyForm::shared) continue;
      all.push_back(measure(peers, form));
      print(all.back(), form);
    }
    if (all.size() > 1) print_growth(all.front(), all.back());
  }
  print_sizes();
}

}  // namespace

int main(int argc, char** argv) {
  const pellicle::HeldHeap held;  // as in a pass
  try {
    std::vector<size_t> sizes;
    for (int i = 1; i < argc; ++i) sizes.push_back(std::stoul(argv[i]));
    run(sizes.empty() ? std::vector<size_t>{100, 1000, 5000} : sizes);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench-scale: %s\n", error.what());
    return 1;
  }
}
