// Pairs of rates measured in turns; more is better.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "tests/bench/figure.h"
#include "tests/bench/picture.h"
#include "tests/bench/scale/median.h"

namespace pellicle::bench {

// Of a round: our rate, the other rate, and their ratio. As a result: the median of each.
struct Rates {
  double ours = 0, other = 0, ratio = 0;
};

// The order alternates each round, because the machine's speed drifts.
template <class Ours, class Other>
Rates in_turns(int rounds, const Ours& ours, const Other& other) {
  std::vector<Rates> all;
  for (int i = 0; i < rounds; ++i) {
    Rates rates;
    if (i % 2 == 1) rates.other = other();
    rates.ours = ours();
    if (i % 2 == 0) rates.other = other();
    rates.ratio = rates.ours / rates.other;
    all.push_back(rates);
  }
  return median(all);
}

struct Unit {
  const char* name;
  double size;
};
inline constexpr Unit kMegabytes{"MB/s", 1e6};
inline constexpr Unit kThousands{"k/s", 1e3};

// Prints rates, keeps each as a figure, and draws those with a target.
class RateTable {
 public:
  explicit RateTable(std::string at) : at_(std::move(at)) {}

  static void print_head(const char* other) {
    std::printf("  %-40s  %9s  %9s  %5s  target\n\n", "", "ours", other, "ratio");
  }

  // `least`: target of the ratio.
  void row(const char* what, const char* measure, const Rates& rates, const Unit& unit,
           std::optional<double> least = {}) {
    const double ours = rates.ours / unit.size;
    const double other = rates.other / unit.size;
    std::printf("  %-35s %-4s  %9.1f  %9.1f  %5.2f", what, unit.name, ours, other, rates.ratio);
    if (least) {
      std::printf("  >= %.2f%s", *least, rates.ratio >= *least ? "" : "  missed");
      picture_.at_least(what, rates.ratio, *least);
    }
    std::printf("\n");
    keep({.measure = measure,
          .at = at_,
          .ours = ours,
          .other = other,
          .unit = unit.name,
          .ratio = rates.ratio,
          .target = least,
          .better = Better::more});
  }
  void print_picture() const { picture_.print(); }

 private:
  std::string at_;
  Picture picture_;
};

}  // namespace pellicle::bench
