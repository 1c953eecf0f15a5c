#include "tests/soak/report.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "tests/soak/rounds.h"
#include "tests/soak/snapshot.h"

namespace pellicle::soak {

namespace {

constexpr double kEvery = 5;  // seconds

double megabytes(size_t bytes) {
  return static_cast<double>(bytes) / (1 << 20);
}

double now(const Cluster& cluster) {
  return cluster.ledger.seconds(std::chrono::steady_clock::now());
}

}  // namespace

std::string sparkline(const std::vector<size_t>& numbers, size_t width) {
  static constexpr std::array<const char*, 8> kHeights{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  if (numbers.empty()) return "";
  const auto [low, high] = std::minmax_element(numbers.begin(), numbers.end());
  const size_t columns = std::min(width, numbers.size());
  std::string line;
  for (size_t column = 0; column < columns; ++column) {
    const auto from = numbers.begin() + static_cast<long>(column * numbers.size() / columns);
    const auto to = numbers.begin() + static_cast<long>((column + 1) * numbers.size() / columns);
    const size_t above = *std::max_element(from, to) - *low;
    line += kHeights.at(*high == *low ? 0 : above * (kHeights.size() - 1) / (*high - *low));
  }
  return line;
}

void Report::sample(Cluster& cluster) {
  for (const auto& [node, pod] : cluster.pods) {
    memory_[node].push_back(resident(cluster.lab.agent(node)));
  }
}

void Report::progress(Cluster& cluster, const std::map<std::string, Tally>& tallies) {
  if (now(cluster) < last_ + kEvery) return;
  last_ = now(cluster);
  sample(cluster);
  std::string line;
  for (const Kind& kind : kKinds) {
    const auto found = tallies.find(kind.name);
    const size_t rounds = found == tallies.end() ? 0 : found->second.rounds;
    line += std::string(kind.name) + " " + std::to_string(rounds) + " ";
  }
  std::printf("%6.0f s  %s| sent %lu lost %lu, on cables %lu ESP %lu clear | MB", last_,
              line.c_str(), cluster.traffic.sent(), cluster.traffic.lost(), cluster.tap.esp(),
              cluster.tap.cleartext());
  for (const auto& [node, memory] : memory_) std::printf(" %.1f", megabytes(memory.back()));
  std::printf("\n");
  std::fflush(stdout);
}

void Report::table(Cluster& cluster, const std::map<std::string, Tally>& tallies) const {
  std::printf("\n%-10s %7s %9s %8s %8s\n", "what", "rounds", "seconds", "lost", "dropped");
  for (const auto& [name, tally] : tallies) {
    std::printf("%-10s %7zu %9.1f %8lu %8lu\n", name.c_str(), tally.rounds, tally.seconds,
                tally.lost, tally.dropped);
  }
  std::printf("\n%lu packets between pods, %lu lost; %lu ESP frames on cables, %lu in the clear\n",
              cluster.traffic.sent(), cluster.traffic.lost(), cluster.tap.esp(),
              cluster.tap.cleartext());
  std::printf("\n%-14s resident MB of the agent over time (%s's is never restarted)\n", "",
              kWitness);
  for (const auto& [node, memory] : memory_) {
    const auto [low, high] = std::minmax_element(memory.begin(), memory.end());
    std::printf("%-14s %5.1f to %5.1f  %s\n", node.c_str(), megabytes(*low), megabytes(*high),
                sparkline(memory, 60).c_str());
  }
}

}  // namespace pellicle::soak
