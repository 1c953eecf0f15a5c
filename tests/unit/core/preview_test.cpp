// What `pellicle diff` shows is what the next pass does.
#include "tests/harness/catch.h"
#include "tests/harness/memory_kernel/memory_kernel.h"
#include "tests/harness/node_core.h"
#include "tests/harness/random_cluster.h"
#include "tests/harness/seed_inputs.h"
#include "tests/harness/temporary_directory.h"

namespace this_file {

using namespace pellicle;

namespace {

// A random cluster, and one of its nodes.
struct World {
  World() {
    kernel.program_tags = seed::program_tags();
    kernel.add_device("eth0", {.mtu = 1500, .addresses = {{seed::ip("172.18.0.3"), 16}}});
    node.list({}, std::nullopt);
  }

  void happen(const Event& event) {
    if (const auto* change = std::get_if<NodeEvent>(&event)) {
      change->node ? node.tell(*change->node) : node.forget(change->name);
    } else if (const auto* key = std::get_if<KeyEvent>(&event)) {
      if (key->key) node.tell(*key->key);
    } else {
      happen(std::get<PodEvent>(event));
    }
  }

  void happen(const PodEvent& pod) {
    const auto known = node.endpoints.all();
    for (const auto& endpoint : known) {
      if (endpoint.id != pod.id) continue;
      kernel.remove_device(endpoint.device);
      node.endpoints.remove(endpoint.device);
    }
    if (!pod.endpoint) return;
    kernel.add_device(pod.endpoint->device, {});
    node.endpoints.put(*pod.endpoint);
  }

  TemporaryDirectory directory;
  MemoryKernel kernel;
  uint64_t now = 1;
  NodeCore node{inputs_before_events().settings, kernel, directory.path(),
                "11111111-1111-1111-1111-111111111111",
                [this] { return KeyUse::Clock{.now = {}, .since_boot = now}; }};
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
      if (round == 4) world.node.adopt_pods();
      ++world.now;
      const auto& last = world.node.core.last();
      const bool failed_before = !last.refusals.empty();
      const auto foreseen = world.node.core.preview();
      const auto already = world.kernel.log.size();
      world.node.pass();
      if (failed_before || !last.refusals.empty()) continue;
      ++compared;
      const std::vector<Operation> done(
          world.kernel.log.begin() + static_cast<std::ptrdiff_t>(already), world.kernel.log.end());
      CHECK(described(foreseen) == described(done));
      operations += done.size();
      if (round < 4 && !plan(last.desired.state, world.kernel.dump()).empty()) ++removals_held_back;
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
  const auto files = [&] {
    return std::distance(std::filesystem::directory_iterator(world.directory.path()), {});
  };
  const auto before = files();
  CHECK_FALSE(world.node.core.preview().empty());
  CHECK(world.node.keys.epochs().empty());
  CHECK(files() == before);
}

}  // namespace this_file
