#include "agent/status/last_use.h"

#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"

namespace this_file {

using namespace pellicle;

namespace {

// Two states; the second was added later.
std::vector<ObservedState> states(uint64_t first_packets, std::optional<uint64_t> second_packets) {
  std::vector<ObservedState> all(1);
  all[0].key.spi = 3;
  all[0].counters = {.packets = first_packets, .added = 100};
  if (second_packets) {
    all.emplace_back();
    all[1].key.spi = 4;
    all[1].counters = {.packets = *second_packets, .added = 1010};
  }
  return all;
}

std::vector<uint64_t> times(LastUse& use, std::vector<ObservedState> states, uint64_t now) {
  use.look(states, now);
  std::vector<uint64_t> times;
  for (const auto& state : states) times.push_back(state.counters.last_used);
  return times;
}

}  // namespace

TEST_CASE("last use: from counters that grow, and nothing is made up before") {
  LastUse use;
  CHECK(times(use, states(50, std::nullopt), 1000) == std::vector<uint64_t>{0});
  CHECK(times(use, states(50, 0), 1020) == std::vector<uint64_t>{0, 0});
  CHECK(times(use, states(51, 0), 1030) == std::vector<uint64_t>{1030, 0});
  CHECK(times(use, states(51, 9), 1040) == std::vector<uint64_t>{1030, 1040});
  CHECK(times(use, states(51, 9), 1050) == std::vector<uint64_t>{1030, 1040});
}

TEST_CASE("last use: a state that is new with traffic, or made anew, was used meanwhile") {
  LastUse use;
  CHECK(times(use, states(50, std::nullopt), 1000) == std::vector<uint64_t>{0});
  CHECK(times(use, states(50, 7), 1020) == std::vector<uint64_t>{0, 1020});
  CHECK(times(use, states(50, 2), 1030) == std::vector<uint64_t>{0, 1030});
  CHECK(times(use, states(50, 0), 1040) == std::vector<uint64_t>{0, 0});
}

TEST_CASE("last use: what the kernel tells is better") {
  LastUse use;
  auto told = states(50, std::nullopt);
  told[0].counters.last_used = 990;
  CHECK(times(use, told, 1000) == std::vector<uint64_t>{990});
  told[0].counters.packets = 60;
  CHECK(times(use, told, 1010) == std::vector<uint64_t>{990});
}

}  // namespace this_file
