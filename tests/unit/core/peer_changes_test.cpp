// The change of one peer, which needs no pass; and keys that must not be used twice.
#include "tests/unit/core/world.h"

#include <cerrno>

#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::passes_test;

namespace {

// kPeer with pair keys, after its boot with this number.
Node pair_peer(int boot) {
  auto peer = kPeer;
  peer.boot_id = "22222222-2222-2222-2222-22222222222" + std::to_string(boot);
  peer.epochs = {{.spi = 0x10000100U + static_cast<uint32_t>(boot) * 0x10, .generation = 0}};
  return peer;
}

// The API server shows what this node announced, long enough for all nodes to have read it.
void settle(World& world) {
  auto self = kWorker;
  self.boot_id = kBoot;
  self.epochs = world.node->keys.epochs();
  world.node->tell(self);
  world.passes->run();
  world.later += 3s;
  world.passes->run();
}

size_t sending(const KernelState& kernel) {
  return static_cast<size_t>(
      std::count_if(kernel.states.begin(), kernel.states.end(),
                    [](const auto& entry) { return entry.first.mark != kDecryptMark; }));
}

}  // namespace

TEST_CASE("passes: a peer's change is made without a look at the kernel, and one follows") {
  World world;
  world.passes->run();
  world.kernel.faults.fail_dump = 1;
  world.change(kJoining);
  CHECK(world.report().peer_changes == 1);
  world.kernel.faults = {};
  CHECK(world.kernel.dump() == world.last().desired.state);
  CHECK(world.in_step());
  CHECK(world.last().desired.cluster.peers.size() == 2);

  world.remove("worker3");
  CHECK(world.report().peer_changes == 2);
  CHECK(world.report().passes == 1);
  CHECK(world.in_step());
  world.run_for(1200ms);
  CHECK(world.report().passes == 2);
}

TEST_CASE("passes: a peer's change waits for a pass where something was left undone") {
  World world;
  world.change(kJoining);  // before the first pass
  CHECK(world.kernel.log.empty());
  world.kernel.faults = {.refuse_every = 5, .refuse_with = EPERM};
  world.passes->run();
  const auto tried = world.kernel.log.size();
  CHECK_FALSE(world.last().refusals.empty());
  world.kernel.faults = {};
  world.remove("worker3");
  CHECK(world.kernel.log.size() == tried);
  world.run_for(60ms);
  CHECK(world.report().peer_changes == 0);
  CHECK(world.in_step());
}

TEST_CASE("passes: a peer's change that was refused is a pass's to make") {
  World world;
  world.passes->run();
  world.kernel.faults = {.refuse_every = 1, .refuse_with = EPERM};
  world.remove("worker2");
  CHECK_FALSE(world.last().settled);
  world.kernel.faults = {};
  world.run_for(60ms);
  CHECK(world.report().peer_changes == 0);
  CHECK(world.in_step());
}

TEST_CASE("passes: a peer's change that would use a key again is a pass's to make") {
  World world(key(true));
  world.node->tell(pair_peer(1));
  world.passes->run();
  settle(world);
  REQUIRE(sending(world.kernel.dump()) == 1);
  const auto epochs = world.node->keys.epochs();
  world.remove("worker2");
  world.change(pair_peer(1));
  CHECK(world.report().peer_changes == 2);  // the state went on counting
  CHECK(world.node->keys.epochs() == epochs);

  world.remove("worker2");
  world.kernel.apply(
      plan({}, {.states = world.kernel.dump().states}));  // as `ip xfrm state flush` does
  world.passes->run();
  const auto tried = world.kernel.log.size();
  world.change(pair_peer(1));
  CHECK(world.kernel.log.size() == tried);
  world.passes->run();
  CHECK(world.report().peer_changes == 3);
  CHECK(world.node->keys.epochs().back().generation != epochs.back().generation);
}

TEST_CASE("passes: a pass that fails pauses, whatever was due before") {
  World world(key(true));
  world.later = -5s;  // what is due soon by the agent's clock is over for the event loop
  world.node->tell(pair_peer(1));
  world.passes->run();
  auto self = kWorker;
  self.boot_id = kBoot;
  self.epochs = world.node->keys.epochs();
  world.node->tell(self);
  world.passes->begin();
  REQUIRE(world.node->core.due());
  REQUIRE(*world.node->core.due() < SteadyClock::now());
  world.kernel.faults.fail_dumps = true;
  world.after = 0;
  world.run_for(300ms);
  CHECK(world.after == 1);
  CHECK_FALSE(world.report().failure.empty());
}

TEST_CASE(
    "passes: after a restart the Secret's key is known again, also when every peer rebooted") {
  World world(key(true));
  world.node->tell(pair_peer(1));
  world.passes->run();
  settle(world);
  REQUIRE(sending(world.kernel.dump()) == 1);
  auto self = kWorker;
  self.boot_id = kBoot;
  self.epochs = world.node->keys.epochs();

  world.restart();
  world.node->rotation.resume();
  SECTION("with the same key") {
    world.node->list({{"worker", self}, {"worker2", pair_peer(2)}}, key(true));
    world.passes->run();
    CHECK(world.node->store.ring().newest() == key(true));
    CHECK(sending(world.kernel.dump()) > 0);
  }
  SECTION("and another key under its id is refused") {
    auto other = key(true);
    other.algorithm = seed::gcm(8);
    world.node->list({{"worker", self}, {"worker2", pair_peer(2)}}, other);
    world.passes->run();
    CHECK_FALSE(world.node->store.ring().newest());
    CHECK(world.node->store.ring().inherited().contains(3));
  }
}

TEST_CASE("passes: the way to a Node that joins is asked for without a pass") {
  World world;
  world.passes->run();
  world.kernel.ways[seed::ip("172.19.0.5")] = {.device = "eth0", .gateway = seed::ip("172.18.0.1")};
  world.change(node("worker3", "10.0.3.0/24", "172.19.0.5", "10.0.3.17"));
  CHECK(world.report().peer_changes == 1);
  const Route::Key to_pods{254, seed::cidr("10.0.3.0/24")};
  CHECK(world.kernel.dump().routes.at(to_pods).gateway == seed::ip("172.18.0.1"));
}

}  // namespace this_file
