// Properties over random clusters, on Linux, while the kernel refuses operations or an agent dies.
#include <algorithm>

#include "tests/contract/linux_properties.h"
#include "tests/harness/seed_inputs.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::contract;
using namespace pellicle::contract::properties;
using seed::cidr;
using seed::ip;

namespace {

// Two clusters of one node without pods that share most of their Nodes, so that a change from one
// to the other adds, replaces and removes.
struct Pair {
  KernelState before;
  KernelState after;
};

Pair two_clusters(LinuxWorld& world) {
  auto inputs = seed::worker();
  inputs.endpoints.clear();
  inputs.settings.netfilter = false;
  inputs.host = world.kernel().facts();
  const auto add = [&](const char* name, const char* pod_cidr, const char* internal,
                       const char* router) {
    inputs.nodes[name] = seed::node(name, "2022-12-21T00:00:00Z", pod_cidr, internal, router);
  };
  add("stays", "10.0.3.0/24", "172.18.0.5", "10.0.3.7");
  add("leaves", "10.0.4.0/24", "172.18.0.6", "10.0.4.7");
  Pair pair{.before = compute(inputs).state, .after = {}};
  inputs.nodes.erase("leaves");
  add("comes", "10.0.5.0/24", "172.18.0.7", "10.0.5.7");
  inputs.nodes["worker2"].router_ipv4 = ip("10.0.0.41");
  inputs.nodes["control-plane"].internal_ipv4 = ip("172.18.0.22");
  inputs.nodes["worker"].router_ipv4 = ip("10.0.1.139");
  inputs.key = IpsecKey{.id = 4, .algorithm = seed::gcm(50)};
  pair.after = compute(inputs).state;
  return pair;
}

// Applies to each peer that receives packets before and after a change: while its entry tells the
// eBPF programs to mark, a policy for the mark and a state for the policy exist.
void require_encrypts(const KernelState& before, const KernelState& after, const KernelState& now) {
  for (const auto& [key, peer] : now.peers) {
    const auto sends = [&key = key](const KernelState& state) {
      const auto entry = state.peers.find(key);
      return entry != state.peers.end() && entry->second.key_id != 0;
    };
    if (!sends(before) || !sends(after)) continue;
    INFO("peer " << key.cidr.to_string());
    const auto mark = encrypt_mark(peer.key_id);
    const auto policy = std::find_if(now.policies.begin(), now.policies.end(),
                                     [&, &cidr = key.cidr](const auto& entry) {
                                       return entry.first.direction == Direction::out &&
                                              entry.first.dst == cidr && entry.first.mark == mark;
                                     });
    const bool has_policy = policy != now.policies.end();
    REQUIRE(has_policy);
    const auto& tmpl = *policy->second.tmpl;
    const bool has_state = now.states.contains({tmpl.dst, tmpl.spi, mark});
    REQUIRE(has_state);
  }
}

// Each object that existed and is still desired exists, however often it was replaced.
void require_kept(const KernelState& before, const KernelState& after, const KernelState& now) {
  for_each_table([&](const char* name, auto table) {
    INFO(name);
    for (const auto& [key, value] : before.*table) {
      if (!(after.*table).contains(key)) continue;
      INFO(describe(key, value));
      const bool kept = (now.*table).contains(key);
      REQUIRE(kept);
    }
  });
}

}  // namespace

TEST_CASE("properties: whatever operations are refused, one pass without refusals makes it good") {
  LinuxWorld world;
  const auto [before, after] = two_clusters(world);
  require_reaches(world.kernel(), before);
  const auto operations = plan(after, before).size();
  REQUIRE(operations > 20);
  for (size_t k = 1; k <= operations; k += length(3, 1)) {
    INFO("every operation of " << k << " is refused");
    const bool forth = k % 2 == 1;
    const auto& from = forth ? before : after;
    const auto& to = forth ? after : before;
    FaultyKernel faulty(world.kernel(), {.refuse_every = k});
    REQUIRE(reconcile(faulty, to).refusals.size() >= 1);
    auto kept = to;
    kept.routes.clear();  // a refused replacement loses the route with its old source
    require_kept(from, kept, world.kernel().dump());
    require_reaches(world.kernel(), to);
  }
  require_reaches(world.kernel(), {});
}

TEST_CASE("properties: refusals all along the way up from nothing and down again are made good") {
  LinuxWorld world;
  const auto before = world.site().listing();
  const auto desired = two_clusters(world).before;
  const auto operations = plan(desired, {}).size();
  for (size_t k = 2; k <= operations; k += length(8, 4)) {
    INFO("every operation of " << k << " is refused");
    FaultyKernel faulty(world.kernel(), {.refuse_every = k});
    reconcile(faulty, desired);
    require_reaches(world.kernel(), desired);
    reconcile(faulty, {});
    require_reaches(world.kernel(), {});
    CHECK(world.site().listing() == before);
  }
}

TEST_CASE("properties: an agent that dies at any operation of a change is made good by the next") {
  LinuxWorld world;
  const auto [before, after] = two_clusters(world);
  require_reaches(world.kernel(), before);
  const auto operations = plan(after, before).size();
  for (size_t n = 0; n < operations; n += length(3, 1)) {
    INFO("died before operation " << n);
    for (const auto* to : {&after, &before}) {
      const auto& from = to == &after ? before : after;
      FaultyKernel dying(world.kernel(), {.dies_before = n});
      if (n < plan(*to, from).size()) REQUIRE_THROWS_AS(reconcile(dying, *to), Death);
      world.restart();
      const auto now = world.kernel().dump();
      require_kept(from, *to, now);
      require_encrypts(from, *to, now);
      require_reaches(world.kernel(), *to);
    }
  }
}

TEST_CASE("properties: at every moment of a change each peer that stays is encrypted to") {
  for_random_cases(length(2, 4), [](Random& random) {
    LinuxWorld world;
    world.happen(random_events(random, 20));
    world.settle();
    for (int change = 0; change < 3; ++change) {
      const auto before = world.kernel().dump();
      world.happen(KeyEvent{seed::worker().key});
      for (int i = 0; i < 3; ++i) world.happen(random_foreign_event(random));
      const auto after = world.desired();
      FaultyKernel watched(world.kernel(), {.after_each = [&] {
                             const auto now = world.kernel().dump();
                             require_encrypts(before, after, now);
                             REQUIRE(now.block_policies == after.block_policies);
                           }});
      require_no_refusals(reconcile(watched, after).refusals);
    }
  });
}

}  // namespace this_file
