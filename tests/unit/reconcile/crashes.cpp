// The agent dies at every operation; the kernel's state is checked at each such point.
#include "agent/desired/desired.h"
#include "agent/reconcile/reconciler.h"
#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"
#include "tests/unit/reconcile/random_world.h"

namespace pellicle::this_file {

namespace {

void require_equal(const KernelState& actual, const KernelState& wanted) {
  for (const auto& operation : plan(wanted, actual)) UNSCOPED_INFO(describe(operation));
  const bool equal = actual == wanted;
  REQUIRE(equal);
}

// Applies the plan from `world` to `desired`, and dies after each number of operations in turn.
template <class Visitor>
void for_each_crash(const World& world, const KernelState& desired, Visitor&& visit) {
  World probe = world;
  const auto operations = plan(desired, probe.kernel.dump()).size();
  for (size_t done = 0; done < operations; ++done) {
    INFO("after " << done << " of " << operations << " operations");
    World dying = world;
    dying.kernel.faults = {.crash_after = done, .crash = true};
    REQUIRE_THROWS_AS(reconcile(dying.kernel, desired), Crash);
    dying.kernel.faults = {};
    visit(dying);
  }
}

World running(Random& random) {
  World world;
  for (const auto& event : random_events(random, 15)) world.happen(event);
  world.pass();
  return world;
}

// Encrypts, or marks packets for encryption.
bool encrypts(const KernelState& state) {
  return !state.states.empty() || !state.policies.empty() || !state.attachments.empty() ||
         !state.rules.empty();
}

}  // namespace

TEST_CASE("a crash at every operation of a change is made good by the next pass") {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    World world = running(random);
    for (const auto& event : random_events(random, 10)) world.happen(event);
    for_each_crash(world, world.desired(), [](World& dying) {
      const auto desired = dying.desired();
      REQUIRE(reconcile(dying.kernel, desired).refusals.empty());
      require_equal(dying.kernel.dump(), desired);
      REQUIRE(reconcile(dying.kernel, desired).quiet());
    });
  }
}

TEST_CASE("a crash at every operation of a cleanup is made good by the next cleanup") {
  Random random(99);
  const World world = running(random);
  for_each_crash(world, {}, [](World& dying) {
    REQUIRE(reconcile(dying.kernel, {}).refusals.empty());
    require_equal(dying.kernel.dump(), {});
  });
}

TEST_CASE("at every moment the block policy stands while anything could mark a packet") {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    World empty;
    World world = running(random);
    const auto check = [](World& moment) {
      const auto state = moment.kernel.dump();
      const bool safe = !state.block_policies.empty() || !encrypts(state);
      REQUIRE(safe);
    };
    for_each_crash(empty, world.desired(), check);
    for_each_crash(world, {}, check);
  }
}

TEST_CASE("what is there and stays wanted is there at every moment of a change") {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    World world = running(random);
    const auto before = world.kernel.dump();
    for (int i = 0; i < 6; ++i) {
      world.happen(NodeEvent{"node0", std::nullopt});
      const auto event = random_event(random);
      if (!std::holds_alternative<PodEvent>(event)) world.happen(event);
    }
    const auto desired = world.desired();
    for_each_crash(world, desired, [&](World& moment) {
      const auto now = moment.kernel.dump();
      for_each_table([&](const char* name, auto table) {
        INFO(name);
        for (const auto& [key, value] : before.*table) {
          const bool kept = !(desired.*table).contains(key) || (now.*table).contains(key);
          REQUIRE(kept);
        }
      });
    });
  }
}

}  // namespace pellicle::this_file
