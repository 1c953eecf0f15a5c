// What an agent does before it has received any cluster state.
#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"

namespace pellicle::this_file {

namespace {

const LocalRule::Key kIpv4{Family::v4};

}  // namespace

TEST_CASE("before anything is heard a node without anything of ours gets the block policy alone") {
  const auto state = kept({});
  CHECK(state == KernelState{.block_policies = compute(seed::worker()).state.block_policies});
}

TEST_CASE("before anything is heard all that runs is kept as it is") {
  const auto running = compute(seed::worker()).state;
  CHECK(kept(running) == running);
}

TEST_CASE("a missing `lookup local` comes back where it was: at 100 under our rules, else at 0") {
  const auto running = compute(seed::worker()).state;
  auto damaged = running;
  damaged.local_rules[kIpv4] = {};
  CHECK(kept(damaged) == running);
  damaged.rules.clear();
  CHECK(kept(damaged) == running);

  damaged.routes.clear();
  CHECK(kept(damaged).local_rules.at(kIpv4).priorities == std::set<uint32_t>{0});
  CHECK(kept(damaged).rules.empty());
}

TEST_CASE("rules of an older agent are made so that they stay") {
  const auto running = compute(seed::worker()).state;
  auto older = running;
  for (auto& [key, rule] : older.rules) rule.kept = false;
  older.local_rules[kIpv4].kept = false;
  CHECK(kept(older) == running);
}

}  // namespace pellicle::this_file
