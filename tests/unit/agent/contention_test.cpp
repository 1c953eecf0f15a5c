#include "agent/contention.h"

#include "tests/harness/catch.h"

using namespace pellicle;
using namespace std::chrono_literals;

namespace {

// Passes of 100 ms that each find something to repair, for as long as `desired` is.
struct Fight {
  Contention contention;
  Contention::Time now = Contention::Time{} + 1h;
  PassOutcome outcome;
  std::chrono::duration<double> spent{};  // on passes

  std::chrono::milliseconds waits_for(std::chrono::milliseconds wish) {
    return contention.answer({"route"}, wish, now);
  }

  void repair(std::chrono::milliseconds took = 100ms) {
    now += waits_for(20ms) + took;
    spent += took;
    outcome.times.apply += std::chrono::duration<double>(took).count();
    outcome.last_change += 1ms;
    contention.passed(outcome, now);
  }
  bool is_said() const { return contention.problem(now).has_value(); }
};

}  // namespace

TEST_CASE("contention: the first change is answered at once, and what follows after a rest") {
  Fight fight;
  CHECK(fight.waits_for(20ms) == 20ms);
  fight.repair();
  CHECK(fight.waits_for(20ms) == 400ms);
  CHECK(fight.waits_for(1000ms) == 1000ms);
  fight.now += 300ms;
  CHECK(fight.waits_for(20ms) == 100ms);
  fight.now += 10s;
  CHECK(fight.waits_for(20ms) == 20ms);
}

TEST_CASE(
    "contention: a fight takes a fifth of a CPU, and no repair waits for more than a second") {
  for (const auto took : {1ms, 15ms, 250ms}) {
    Fight fight;
    const auto begin = fight.now;
    for (int i = 0; i < 100; ++i) fight.repair(took);
    CHECK(fight.spent / (fight.now - begin) < 0.21);
  }
  Fight fight;
  fight.repair(10s);
  CHECK(fight.waits_for(20ms) == 1000ms);
}

TEST_CASE("contention: what is undone again and again is said, with what it is, until it ends") {
  Fight fight;
  for (size_t i = 1; i < Contention::kMany; ++i) {
    fight.repair();
    CHECK_FALSE(fight.is_said());
  }
  fight.contention.answer({"xfrm policy"}, 20ms, fight.now);
  fight.repair();
  REQUIRE(fight.is_said());
  CHECK(fight.contention.problem(fight.now)->to_string() ==
        "Kernel state: somebody changes what is Pellicle's (route, xfrm policy) as soon as it is "
        "repaired; expected to be the only one who does, so stop whatever else configures these");
  fight.now += Contention::kQuiet;
  CHECK(fight.is_said());
  fight.now += 1s;
  CHECK_FALSE(fight.is_said());
}

TEST_CASE("contention: changes that need no repair, or are wanted, are no fight") {
  Fight fight;
  SECTION("what others have") {
    for (size_t i = 0; i < 2 * Contention::kMany; ++i) {
      fight.now += fight.waits_for(20ms);
      fight.contention.passed(fight.outcome, fight.now);
    }
  }
  SECTION("the cluster changes") {
    for (size_t i = 0; i < 2 * Contention::kMany; ++i) {
      fight.outcome.inputs.nodes.clear();
      fight.outcome.inputs.nodes["worker" + std::to_string(i)] = {};
      fight.repair();
    }
  }
  SECTION("now and then somebody does it") {
    for (size_t i = 0; i < 2 * Contention::kMany; ++i) {
      fight.now += 5s;
      fight.repair();
    }
  }
  SECTION("passes of our own accord") {
    for (size_t i = 0; i < 2 * Contention::kMany; ++i) {
      fight.outcome.last_change += 1ms;
      fight.contention.passed(fight.outcome, fight.now);
    }
  }
  CHECK_FALSE(fight.is_said());
}
