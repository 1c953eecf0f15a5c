// Does everything to a cluster that may happen to it, in rounds, while its pods talk. See
// README.md.
//
//   pellicle-soak LENGTH [SEED]   90s, 10m, 1h
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <regex>
#include <set>

#include "tests/soak/agent_logs.h"
#include "tests/soak/report.h"
#include "tests/soak/rounds.h"
#include "tests/soak/snapshot.h"

namespace pellicle::soak {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_of(const std::string& length) {
  static const std::regex kLength("([0-9]{1,6})([smh])");
  std::smatch match;
  if (!std::regex_match(length, match, kLength)) {
    throw std::invalid_argument("LENGTH: expected a number with s, m or h (90s, 10m, 1h), found '" +
                                length + "'");
  }
  const double unit = match[2] == "s" ? 1 : match[2] == "m" ? 60 : 3600;
  return std::stod(match[1]) * unit;
}

class Soak {
 public:
  explicit Soak(uint64_t seed) : cluster_(seed) {}

  // True: no findings.
  bool run(double seconds) {
    warm_up();
    const Use before = use_when_quiet();
    size_t rounds = 0;
    while (rounds < kFewest || cluster_.ledger.seconds(Clock::now()) < seconds) {
      play(any_kind());
      ++rounds;
    }
    without_the_guest(cluster_);
    const Use after = use_when_quiet();
    for (const auto& sentence : not_returned(before, after)) cluster_.ledger.found(sentence);
    judge_the_end();
    report_.table(cluster_, tallies_);
    return cluster_.ledger.findings().empty();
  }

 private:
  static constexpr size_t kFewest = 3;  // rounds after the warm-up, however slow the guest

  // Plays each kind once, with and without the guest. Afterwards the agents have allocated all that
  // they keep.
  void warm_up() {
    std::vector<Kind> kinds = kKinds;
    std::shuffle(kinds.begin() + 1, kinds.end(), cluster_.random);
    for (const Kind& kind : kinds) play(kind);
    play(kinds.front());
    without_the_guest(cluster_);
    // After a restart an agent holds its programs and those that its predecessor attached.
    for (const std::string& node : cluster_.nodes) {
      if (node == kWitness) continue;
      cluster_.end_agent(node);
      cluster_.start_again(node);
    }
  }

  const Kind& any_kind() {
    size_t all = 0;
    for (const Kind& kind : kKinds) all += kind.weight;
    size_t left = cluster_.any(all);
    for (const Kind& kind : kKinds) {
      if (left < kind.weight) return kind;
      left -= kind.weight;
    }
    return kKinds.front();
  }

  std::map<std::string, Counters> counters() {
    std::map<std::string, Counters> all;
    for (const std::string& node : cluster_.nodes) all[node] = counters_of(cluster_, node);
    return all;
  }

  void play(const Kind& kind) {
    cluster_.ledger.doing(kind.name);
    const auto begin = Clock::now();
    const auto counted = counters();
    const uint64_t lost = cluster_.traffic.lost();
    const std::string what = kind.round(cluster_);
    cluster_.expect_traffic();
    cluster_.traffic.settle();
    Tally& tally = tallies_[kind.name];
    ++tally.rounds;
    tally.seconds += std::chrono::duration<double>(Clock::now() - begin).count();
    const uint64_t lost_now = cluster_.traffic.lost() - lost;
    tally.lost += lost_now;
    tally.dropped += judge_counters(counted, lost_now);
    if (detailed_) std::printf("          %s: %s, lost %lu\n", kind.name, what.c_str(), lost_now);
    report_.progress(cluster_, tallies_);
  }

  // Every packet counted as dropped must also be counted as lost. Returns the number dropped.
  uint64_t judge_counters(const std::map<std::string, Counters>& before, uint64_t lost) {
    uint64_t dropped = 0;
    std::string which;
    for (const auto& [node, now] : counters()) {
      const auto known = before.find(node);
      for (const auto& [name, count] : now) {
        uint64_t was = 0;
        if (known != before.end() && known->second.contains(name)) was = known->second.at(name);
        if (count == was) continue;
        dropped += count - was;
        which += ", " + node + " " + name + " " + std::to_string(count - was);
      }
    }
    if (dropped > lost) {
      cluster_.ledger.found("packets were dropped, and " + std::to_string(lost) +
                            " did not arrive" + which);
    }
    return dropped;
  }

  Use use_when_quiet() {
    cluster_.ledger.doing("at rest");
    with_pair_keys(cluster_);
    cluster_.expect_everywhere("keeps old keys", [&](const std::string& node) {
      return cluster_.holds_only(node, cluster_.key_id) && cluster_.settled(node);
    });
    return use_of(cluster_);
  }

  void judge_the_end() {
    for (const std::string& node : cluster_.nodes) {
      const lab::Result status = cluster_.lab.agent(node).ctl("status");
      if (!status.ok()) cluster_.ledger.found(node + " is not well at the end: " + status.output);
    }
    for (const auto& [node, sentence] : complaints(cluster_.lab.log_dir(), cluster_.ledger)) {
      cluster_.ledger.found(node + "'s agent says " + sentence);
    }
    for (const std::string& file : cluster_.lab.files_with_the_key()) {
      cluster_.ledger.found("a key stands in " + file);
    }
  }

  Cluster cluster_;
  Report report_;
  std::map<std::string, Tally> tallies_;
  bool detailed_ = std::getenv("PELLICLE_SOAK_ROUNDS") != nullptr;
};

uint64_t seed_of(int argc, char** argv) {
  if (argc > 2) return std::stoul(argv[2]);
  const char* given = std::getenv("PELLICLE_SEED");
  return given != nullptr ? std::stoul(given) : std::random_device{}();
}

}  // namespace

}  // namespace pellicle::soak

int main(int argc, char** argv) {
  using namespace pellicle::soak;
  try {
    if (argc < 2) throw std::invalid_argument("expected LENGTH [SEED]");
    const double seconds = seconds_of(argv[1]);
    const uint64_t seed = seed_of(argc, argv);
    std::printf("soak of %s, seed %lu (tools/soak %s %lu does the same again)\n", argv[1], seed,
                argv[1], seed);
    std::fflush(stdout);
    const bool good = Soak(seed).run(seconds);
    std::printf("\n%s\n", good ? "PASS" : "FAIL: see WRONG above");
    return good ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "pellicle-soak: %s\n", error.what());
    return 2;
  }
}
