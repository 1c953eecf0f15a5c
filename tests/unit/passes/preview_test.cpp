// What `pellicle diff` shows is what the next pass does.
#include "agent/desired/next_hops.h"
#include "agent/keys/key_use.h"
#include "agent/passes.h"
#include "tests/harness/catch.h"
#include "tests/harness/memory_kernel/memory_kernel.h"
#include "tests/harness/random_cluster.h"
#include "tests/harness/seed_inputs.h"
#include "tests/harness/temporary_directory.h"

namespace this_file {

using namespace pellicle;

namespace {

// A random cluster, and one of its nodes with the passes and the record of keys of an agent.
struct World {
  World() {
    kernel.program_tags = seed::program_tags();
    kernel.add_device("eth0", {.mtu = 1500, .addresses = {{seed::ip("172.18.0.3"), 16}}});
  }

  void happen(const Event& event) {
    if (const auto* pod = std::get_if<PodEvent>(&event)) {
      for (const auto& known : inputs.endpoints) {
        if (known.id == pod->id) kernel.remove_device(known.device);
      }
      if (pod->endpoint) kernel.add_device(pod->endpoint->device, {});
    }
    hear(inputs, event);
  }

  KeyUse::Clock time() const { return {.now = {}, .since_boot = now}; }

  TemporaryDirectory directory;
  MemoryKernel kernel;
  Inputs inputs = inputs_before_events();
  uint64_t now = 1;
  Scope scope = Scope::everything;
  KeyUse keys{directory.path(), "11111111-1111-1111-1111-111111111111"};
  boost::asio::io_context context;
  Passes passes{context,
                kernel,
                std::chrono::hours(1),
                {.gather = [this]() -> std::optional<Inputs> {
                   auto gathered = inputs;
                   gathered.host = kernel.facts();
                   gathered.next_hops = kernel.next_hops(next_hop_questions(gathered));
                   return gathered;
                 },
                 .prepare = [this](Inputs& whole) { return keys.prepare(whole, time()); },
                 .foresee =
                     [this] {
                       return
                           [this, copy = std::make_shared<KeyUse>(keys.copy_that_writes_nothing())](
                               Inputs& whole) { return copy->prepare(whole, time()); };
                     },
                 .permit = [](const Plan&) { return true; },
                 .refused = {},
                 .scope = [this] { return scope; },
                 .after = [] {}}};
};

std::vector<std::string> described(const std::vector<Operation>& operations) {
  std::vector<std::string> lines;
  for (const auto& operation : operations) lines.push_back(describe(operation));
  return lines;
}

}  // namespace

TEST_CASE("preview: it is what the next pass does, in all of its steps") {
  size_t compared = 0, operations = 0, removals_held_back = 0;
  for (uint64_t seed = 0; seed < 25; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    World world;
    for (int round = 0; round < 12; ++round) {
      CAPTURE(round);
      for (size_t i = random.below(6); i > 0; --i) world.happen(random_event(random));
      world.scope = random.chance(20) ? Scope::additions : Scope::everything;
      ++world.now;
      const bool failed_before = !world.passes.last().refusals.empty();
      const auto foreseen = world.passes.preview();
      const auto already = world.kernel.log.size();
      world.passes.run();
      remember_router(world.inputs);
      if (failed_before || !world.passes.last().refusals.empty()) continue;
      ++compared;
      const std::vector<Operation> done(
          world.kernel.log.begin() + static_cast<std::ptrdiff_t>(already), world.kernel.log.end());
      CHECK(described(foreseen) == described(done));
      operations += done.size();
      const auto whole = plan(world.passes.last().desired.state, world.kernel.dump());
      if (world.scope == Scope::additions && !whole.empty()) ++removals_held_back;
    }
  }
  CHECK(compared > 100);
  CHECK(operations > 1000);
  CHECK(removals_held_back > 5);
}

TEST_CASE("preview: it records nothing, and begins no epoch") {
  World world;
  Random random(7);
  for (int i = 0; i < 40; ++i) world.happen(random_event(random));
  (void)world.passes.preview();
  CHECK(world.keys.epochs().empty());
  CHECK(std::filesystem::is_empty(world.directory.path()));
}

}  // namespace this_file
