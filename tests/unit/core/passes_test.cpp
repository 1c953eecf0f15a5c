// When passes run, and what they leave undone.
#include "tests/unit/core/world.h"

#include <cerrno>

#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::passes_test;

TEST_CASE("passes: many requests are one pass, and it brings the kernel to the desired state") {
  World world;
  for (int i = 0; i < 10; ++i) world.passes->request();
  world.run_for(60ms);
  CHECK(world.report().passes == 1);
  CHECK(world.after == 1);
  CHECK(world.last().ready);
  CHECK(world.kernel.dump() == world.last().desired.state);
  CHECK(world.in_step());
}

TEST_CASE("passes: a peer is held back while the kernel refuses the policy that encrypts to it") {
  World world(key(true));
  const auto to_peer = [&](uint32_t table, uint32_t metric) {
    return world.kernel.dump().routes.contains({table, seed::cidr("10.0.0.0/24"), metric});
  };
  const Policy::Key to_it{Direction::out, seed::cidr("10.0.1.0/24"), seed::cidr("10.0.0.0/24"), {}};
  world.kernel.foreign.policies[to_it] = {};
  world.passes->run();
  CHECK(world.last().refusals.size() == 1);
  CHECK(to_peer(kMarkPodsTable, kBehindMetric));
  CHECK_FALSE(to_peer(kMarkPodsTable, 0));
  CHECK(world.last().desired.state.rules.size() == 7);
  CHECK(world.node->core.preview().size() == 1);
  world.passes->run();
  CHECK(world.last().refusals.size() == 1);
  CHECK(to_peer(kMarkPodsTable, kBehindMetric));

  world.kernel.foreign = {};
  world.passes->run();
  CHECK(world.last().refusals.empty());
  CHECK_FALSE(to_peer(kMarkPodsTable, kBehindMetric));
  CHECK(to_peer(kMainTable, 0));
  CHECK(world.in_step());
}

TEST_CASE("passes: before everything was listed only what needs no knowledge is put right") {
  World world;
  world.restart();
  world.passes->begin();
  CHECK(world.after == 1);
  const auto actual = world.kernel.dump();
  CHECK(actual == KernelState{.block_policies = actual.block_policies});
  CHECK(actual.block_policies.size() == 2);
  CHECK_FALSE(world.last().ready);
  CHECK(world.report().passes == 0);
  world.passes->begin();
  CHECK(world.kernel.dump() == actual);
}

TEST_CASE("passes: before everything was listed what is there stays, and a refusal is met again") {
  World world;
  world.passes->run();
  const auto before = world.kernel.dump();
  world.restart();
  world.kernel.apply(plan({}, {.block_policies = before.block_policies}));
  world.kernel.faults = {.refuse_every = 1, .refuse_with = EPERM};
  world.passes->begin();
  CHECK_FALSE(world.last().refusals.empty());
  world.kernel.faults = {};
  world.run_for(1200ms);
  CHECK(world.last().refusals.empty());
  CHECK(world.kernel.dump() == before);
}

TEST_CASE("passes: a node whose Node was deleted loses nothing, also after a restart") {
  World world;
  world.passes->run();
  const auto before = world.kernel.dump();
  CHECK(world.node->core.problems().empty());
  world.node->forget("worker");
  world.passes->run();
  CHECK(world.kernel.dump() == before);
  CHECK(world.last().ready);
  REQUIRE(world.node->core.problems().size() == 1);
  CHECK(world.node->core.problems().front().to_string() ==
        "Node worker: was deleted; what it said last keeps running");

  world.restart();
  world.node->rotation.resume();
  world.node->list({{"worker2", kPeer}}, key());
  world.passes->run();
  CHECK(world.kernel.dump() == before);
  CHECK_FALSE(world.last().ready);
  CHECK_FALSE(world.last().desired.problems.empty());
}

TEST_CASE("passes: until the record of pods is complete nothing is changed or removed") {
  World world;
  world.passes->run();
  const auto before = world.kernel.dump();
  world.node = std::make_unique<NodeCore>(worker(), world.kernel, world.directory.path(), kBoot,
                                          Core::machine_time);
  world.node->list({{"worker", kWorker}}, key());
  world.passes =
      std::make_unique<Passes>(world.context, world.kernel, world.node->core, 3600s, [] {});
  world.passes->run();
  CHECK(world.kernel.dump() == before);
  world.node->adopt_pods();
  world.passes->run();
  CHECK(world.kernel.dump().policies.size() < before.policies.size());
}

TEST_CASE("passes: what was refused is tried again until it is there") {
  World world;
  world.kernel.faults = {.refuse_every = 1, .refuse_with = EPERM};
  world.passes->request();
  world.run_for(60ms);
  CHECK_FALSE(world.last().refusals.empty());
  CHECK_FALSE(world.last().ready);
  CHECK(world.report().failing_since != WallClock::time_point{});
  world.kernel.faults = {};
  world.run_for(1200ms);  // the first retry comes after a second
  CHECK(world.last().refusals.empty());
  CHECK(world.last().ready);
}

TEST_CASE("passes: what is taken away again and again is counted, what is wanted anew is not") {
  World world;
  const auto contested = [&] {
    return world.report().repairs.problem(std::chrono::steady_clock::now());
  };
  for (size_t i = 0; i < Repairs::kMany; ++i) {  // a peer joins and leaves
    world.node->tell(kPeer);
    world.passes->run();
    world.node->forget("worker2");
    world.passes->run();
  }
  CHECK_FALSE(contested());
  KernelState taken;
  taken.rules = world.kernel.dump().rules;
  for (size_t i = 0; i < Repairs::kMany; ++i) {
    CHECK_FALSE(contested());
    REQUIRE(world.kernel.apply(plan({}, taken)).empty());
    world.passes->run();
  }
  REQUIRE(contested());
  CHECK(contested()->sentence.find("'add rule ") != std::string::npos);
}

TEST_CASE("passes: a kernel that cannot be read is said, and read again") {
  World world;
  world.kernel.faults.fail_dump = 1;
  world.passes->request();
  world.run_for(60ms);
  CHECK_FALSE(world.report().failure.empty());
  world.run_for(1200ms);
  CHECK(world.report().failure.empty());
  CHECK(world.last().ready);
}

TEST_CASE("passes: what one peer or one pod lacks does not stop the node") {
  const auto out = Change<State>{.key = {.mark = encrypt_mark(3)}};
  const auto in = Change<State>{.key = {.mark = kDecryptMark}};
  CHECK_FALSE(essential(out));
  CHECK(essential(in));
  CHECK_FALSE(essential(
      Change<Attachment>{.key = {.dev = "lxc0123456789ab"}, .value = {.program = "pell_lxc_in"}}));
  CHECK(essential(
      Change<Attachment>{.key = {.dev = "eth0"}, .value = {.program = "pell_uplink_in"}}));
  CHECK(essential(Change<Policy>{.key = {.direction = Direction::out, .mark = kEncryptMark},
                                 .value = {.block = true}}));
  CHECK_FALSE(essential(Change<Policy>{.key = {.direction = Direction::out}}));
  CHECK(essential(Change<VethPair>{}));
  CHECK_FALSE(essential(Change<NetfilterChain>{}));
}

TEST_CASE("passes: what costs more is compared less often while nothing happens, to a limit") {
  CHECK(pause_of_idle(0us) == 30s);
  CHECK(pause_of_idle(30ms) == 30s);
  CHECK(pause_of_idle(30'001us) == 31s);
  CHECK(pause_of_idle(225ms) == 225s);
  CHECK(pause_of_idle(4s) == 300s);
}

TEST_CASE("passes: without an interval the next comparison follows its cost, not at once") {
  World world(key(), 0s);
  world.passes->request();
  world.run_for(300ms);
  CHECK(world.report().passes > 0);
  CHECK(world.report().passes < 5);
}

}  // namespace this_file
