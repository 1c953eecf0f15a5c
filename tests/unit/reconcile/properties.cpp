// Properties that matter more than examples, on random clusters. A failure names its case's seed.
#include <algorithm>
#include <cerrno>

#include "agent/desired/desired.h"
#include "agent/reconcile/reconciler.h"
#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"
#include "tests/unit/reconcile/random_world.h"

namespace pellicle::this_file {

namespace {

constexpr uint64_t kCases = 150;

template <class Property>
void for_random_cases(Property&& property) {
  for (uint64_t seed = 1; seed <= kCases; ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    property(random);
  }
}

void require_equal(const KernelState& actual, const KernelState& wanted) {
  for (const auto& operation : plan(wanted, actual)) UNSCOPED_INFO(describe(operation));
  const bool equal = actual == wanted;
  REQUIRE(equal);
}

void require_no_refusals(const std::vector<Refusal>& refusals) {
  for (const auto& refusal : refusals) {
    UNSCOPED_INFO(describe(refusal.operation) << ": " << refusal.sentence);
  }
  REQUIRE(refusals.empty());
}

void require_converges(World& world) {
  const auto desired = world.desired();
  require_no_refusals(reconcile(world.kernel, desired).refusals);
  require_equal(world.kernel.dump(), desired);
  REQUIRE(reconcile(world.kernel, desired).quiet());
  REQUIRE(plan(world.desired(), world.kernel.dump()).empty());
}

// Fills the kernel with leftovers of another agent: objects of two clusters, dropped and scrambled
// at random. The kernel refuses impossible ones.
void leave_rubbish(Random& random, World& world) {
  for (int i = 0; i < 2; ++i) {
    World other;
    for (const auto& event : random_events(random, 15)) other.happen(event);
    auto state = other.desired();
    scramble(random, state);
    world.kernel.apply(plan(state, {}));
  }
}

// The state that a new node with the same pods reaches in one pass from an empty kernel.
KernelState from_nothing(const World& told) {
  World fresh;
  fresh.inputs = told.inputs;
  for (const auto& endpoint : told.inputs.endpoints) fresh.kernel.add_device(endpoint.device, {});
  require_no_refusals(fresh.pass());
  return fresh.kernel.dump();
}

void live_through(Random& random, World& world, const std::vector<Event>& events) {
  for (const auto& event : events) {
    world.happen(event);
    if (random.chance(25)) world.pass();
  }
}

}  // namespace

TEST_CASE("converges and is quiet: any actual state, one pass, and the next one is empty") {
  size_t repaired = 0;
  for_random_cases([&](Random& random) {
    World world;
    leave_rubbish(random, world);
    for (const auto& event : random_events(random, 20)) world.happen(event);
    repaired += plan(world.desired(), world.kernel.dump()).size();
    require_converges(world);
  });
  CHECK(repaired > kCases * 20);  // the cases are not trivial
}

TEST_CASE("path-independent: a long life ends where one pass from nothing does") {
  for_random_cases([](Random& random) {
    World world;
    live_through(random, world, random_events(random, 25));
    world.settle();
    require_converges(world);
    require_equal(world.kernel.dump(), from_nothing(world));
  });
}

TEST_CASE("path-independent: events reordered, repeated or squashed give the same state") {
  for_random_cases([](Random& random) {
    // This node's own address is fixed: a choice would depend on the order of events.
    std::vector<Event> events = {
        NodeEvent{"worker",
                  seed::node("worker", "2023-01-05", "10.0.1.0/24", "172.18.0.3", "10.0.1.138")},
        KeyEvent{seed::worker().key}};
    while (events.size() < 25) events.push_back(random_foreign_event(random));

    World straight;
    live_through(random, straight, events);
    straight.settle();
    for (const auto& other : {reordered(random, events), squashed(events)}) {
      World world;
      live_through(random, world, other);
      world.settle();
      require_equal(world.kernel.dump(), straight.kernel.dump());
    }
  });
}

TEST_CASE("path-independent: compute does not depend on the order pods became known in") {
  for_random_cases([](Random& random) {
    World world;
    for (const auto& event : random_events(random, 30)) world.happen(event);
    const auto desired = world.desired();
    std::shuffle(world.inputs.endpoints.begin(), world.inputs.endpoints.end(), random.engine());
    require_equal(world.desired(), desired);
  });
}

TEST_CASE("leaves others alone: what stands in the way is named, kept, and the rest lands") {
  size_t obstructed = 0;
  for_random_cases([&](Random& random) {
    World world;
    for (const auto& event : random_events(random, 20)) world.happen(event);
    auto desired = world.desired();
    auto& foreign = world.kernel.foreign;
    const auto obstruct = [&](auto table) {
      for (auto object : desired.*table) {
        if (random.chance(15)) (foreign.*table).insert(object);
      }
      std::erase_if(desired.*table,
                    [&](const auto& entry) { return (foreign.*table).contains(entry.first); });
    };
    obstruct(&KernelState::states);
    obstruct(&KernelState::policies);
    obstruct(&KernelState::rules);
    const auto planted = foreign;

    const auto refusals = reconcile(world.kernel, world.desired()).refusals;
    CHECK(refusals.size() ==
          planted.states.size() + planted.policies.size() + planted.rules.size());
    for (const auto& refusal : refusals) CHECK(refusal.error == EEXIST);
    obstructed += refusals.size();
    require_equal(world.kernel.dump(), desired);
    reconcile(world.kernel, {});
    require_equal(world.kernel.dump(), {});
    require_equal(foreign, planted);
  });
  CHECK(obstructed > kCases / 2);
}

TEST_CASE("leaves others alone: cleanup gives every sysctl its value back") {
  for_random_cases([](Random& random) {
    World world;
    std::map<std::string, std::string> before;
    for (const auto* path : {"all/rp_filter", "eth0/rp_filter", "eth0/forwarding"}) {
      const auto full = std::string("net/ipv4/conf/") + path;
      world.kernel.set_sysctl(full, before[full] = std::to_string(random.below(3)));
    }
    live_through(random, world, random_events(random, 15));
    reconcile(world.kernel, {});
    for (const auto& [path, value] : before) CHECK(world.kernel.sysctl(path) == value);
  });
}

TEST_CASE("a failure at every k-th operation is made good once failures stop") {
  size_t refused = 0;
  for_random_cases([&](Random& random) {
    World world;
    leave_rubbish(random, world);
    world.kernel.faults = {.refuse_every = 2 + random.below(6), .refuse_with = ENOBUFS};
    for (const auto& event : random_events(random, 20)) {
      world.happen(event);
      if (random.chance(40)) refused += world.pass().size();
    }
    world.kernel.faults = {};
    world.settle();
    require_converges(world);
    require_equal(world.kernel.dump(), from_nothing(world));
  });
  CHECK(refused > kCases * 10);
}

TEST_CASE("one refused operation does not keep the others from being tried") {
  World world;
  for (const auto& [name, node] : seed::worker().nodes) world.happen(NodeEvent{name, node});
  world.happen(KeyEvent{seed::worker().key});
  const auto desired = world.desired();
  const auto whole = plan(desired, {}).size();
  world.kernel.faults = {.refuse_every = 3, .refuse_with = EPERM};
  const auto pass = reconcile(world.kernel, desired);
  CHECK(world.kernel.log.size() == whole);
  CHECK(pass.refusals.size() >= whole / 3);
}

}  // namespace pellicle::this_file
