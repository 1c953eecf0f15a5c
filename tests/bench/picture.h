// Measured values against their targets, as bars.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

namespace pellicle::bench {

// One line per value, on a logarithmic scale around the target: better values to the left, worse to
// the right. The scale is as fine as the values allow; a bar that exceeds the coarsest scale ends
// in an arrow.
class Picture {
 public:
  void at_most(const std::string& what, double value, double wanted) {
    rows_.push_back({what, value / wanted});
  }
  void at_least(const std::string& what, double value, double wanted) {
    rows_.push_back({what, wanted / value});
  }
  void print() const {
    const int cells = cells_of_a_doubling();
    std::printf("\n%-46s  %*s  worse: twice as bad every %d\n\n", "beside what is wanted", kSide,
                "better", cells);
    for (const auto& row : rows_) {
      const auto bar = bar_of(row.excess, cells);
      std::printf("%-46s  %s\n", row.what.c_str(), bar.c_str());
    }
    std::printf("\n");
    std::fflush(stdout);
  }

 private:
  struct Row {
    std::string what;
    double excess;  // 1: on target, 2: twice as bad
  };
  static constexpr int kFinest = 128;  // cells of a doubling; one is half a per cent
  static constexpr int kCoarsest = 4;
  static constexpr int kSide = 12;  // cells on either side
  static constexpr const char* kCell = "█";

  int cells_of_a_doubling() const {
    double most = 0;
    for (const auto& row : rows_) most = std::max(most, std::abs(std::log2(row.excess)));
    int cells = kFinest;
    while (cells > kCoarsest && cells * most > kSide) cells /= 2;
    return cells;
  }
  static std::string repeated(const char* cell, int times) {
    std::string text;
    for (int i = 0; i < times; ++i) text += cell;
    return text;
  }
  static std::string bar_of(double excess, int cells_of_a_doubling) {
    const int cells = static_cast<int>(std::lround(cells_of_a_doubling * std::log2(excess)));
    const int better = std::min(kSide, std::max(0, -cells));
    const int worse = std::min(kSide, std::max(0, cells));
    const bool out = std::abs(cells) > kSide;
    const std::string left =
        (out && better ? "◀" : repeated(kCell, better ? 1 : 0)) + repeated(kCell, better - 1);
    const std::string right =
        repeated(kCell, worse - 1) + (out && worse ? "▶" : repeated(kCell, worse ? 1 : 0));
    return repeated(" ", kSide - better) + left + "│" + right;
  }

  std::vector<Row> rows_;
};

}  // namespace pellicle::bench
