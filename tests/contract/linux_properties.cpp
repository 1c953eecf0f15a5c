// Properties over random clusters, on Linux. A failure names the seed of its case.
// tests/unit/reconcile/properties.cpp runs many more cases over the in-memory kernel.
#include <algorithm>

#include "agent/reconcile/reconciler.h"
#include "tests/contract/linux_faults.h"
#include "tests/contract/linux_world.h"
#include "tests/harness/catch.h"
#include "tests/harness/length.h"
#include "tests/harness/seed_inputs.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::contract;
using seed::cidr;
using seed::ip;

namespace {

template <class Property>
void for_random_cases(uint64_t cases, Property&& property) {
  for (uint64_t seed = 1; seed <= cases; ++seed) {
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

// One pass reaches the desired state, and the next pass plans nothing.
void require_converges(LinuxWorld& world) {
  const auto desired = world.desired();
  require_no_refusals(world.pass());
  require_equal(world.kernel().dump(), desired);
  require_equal(world.kernel().dump(), world.desired());
}

void require_reaches(Kernel& kernel, const KernelState& desired) {
  require_no_refusals(reconcile(kernel, desired).refusals);
  require_equal(kernel.dump(), desired);
}

void live_through(Random& random, LinuxWorld& world, const std::vector<Event>& events) {
  for (const auto& event : events) {
    world.happen(event);
    if (random.chance(20)) world.pass();
    if (random.chance(5)) world.restart();
  }
}

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

// Another program's IPsec with Pellicle's reqid, and foreign routes and rules next to Pellicle's.
void plant_neighbours() {
  const std::string esp = " proto esp reqid 1 mode tunnel ";
  const std::string key = "aead 'rfc4106(gcm(aes))' 0x0102030405060708090a0b0c0d0e0f1011121314 128";
  const std::string tmpl = " tmpl src 172.18.0.3 dst 172.18.0.9 proto esp reqid 1 mode tunnel";
  const std::string back = " tmpl src 172.18.0.9 dst 172.18.0.3 proto esp reqid 1 mode tunnel";
  const std::string state = "ip xfrm state add src ";
  const std::string policy = "ip xfrm policy add src ";
  shell(state + "172.18.0.3 dst 172.18.0.9 spi 0xc0ffee01" + esp + key + " && " +  //
        state + "172.18.0.9 dst 172.18.0.3 spi 3" + esp + key + " && " +           //
        policy + "10.9.0.0/16 dst 10.8.0.0/16 dir out" + tmpl + " && " +           //
        policy + "10.8.0.0/16 dst 10.9.0.0/16 dir in" + back + " && " +            //
        policy + "10.8.0.0/16 dst 10.9.0.0/16 dir fwd" + back + " && " +           //
        policy +
        "0.0.0.0/0 dst 0.0.0.0/0 dir out priority 9000 mark 0x400 mask 0xf00 action block");
  shell(
      "ip route add 192.0.2.0/24 dev eth0 table 200 proto static &&"
      "ip route add blackhole 10.200.0.0/16 table 200 &&"
      "ip route add 10.0.0.0/24 dev eth0 table 201 &&"
      "ip route add 10.0.0.0/24 via 172.18.0.4 metric 500 &&"
      "ip route add 198.51.100.0/24 via 172.18.0.1 &&"
      "ip rule add pref 1 fwmark 0x100/0xf00 lookup 201 &&"
      "ip rule add pref 50 fwmark 0xe00/0xf00 lookup 201");
}

// Puts foreign objects where some of the desired ones should go.
void obstruct(Random& random, LinuxWorld& world) {
  const auto desired = world.desired();
  KernelState obstacles;
  for (auto [key, state] : desired.states) {
    state.reqid = 7;
    if (random.chance(20)) obstacles.states.emplace(key, state);
  }
  for (auto [key, policy] : desired.policies) {
    policy.priority = 9;  // marks ownership of a policy without a template
    if (policy.tmpl) policy.tmpl->reqid = 7;
    if (random.chance(20)) obstacles.policies.emplace(key, policy);
  }
  for (const auto& [key, peer] : desired.peers) {
    if (!desired.routes.contains({200, key.cidr}) || !random.chance(30)) continue;
    obstacles.routes[{200, key.cidr}] = {.dev = "eth0", .scope = 253, .protocol = 4};
    obstacles.routes[{254, key.cidr}] = {.dev = "eth0", .gateway = ip("172.18.0.99")};
  }
  world.site().plant(obstacles);
}

// Every trace of Pellicle on the node, except pods' devices: the datapath does not remove those.
std::string traces_of_ours() {
  return shell(
      "ip -br link | grep cilium; tc qdisc | grep clsact; iptables-legacy-save | grep PELLICLE;"
      "ls -d /sys/fs/bpf/pellicle-test-* 2>/dev/null; true");
}

}  // namespace

TEST_CASE("properties: any actual state converges in one pass, and the next plans nothing") {
  const size_t cases = length(5, 12);
  size_t repaired = 0;
  for_random_cases(cases, [&](Random& random) {
    LinuxWorld world(random.chance(25) ? LinuxWorld::Netfilter::on : LinuxWorld::Netfilter::off);
    world.happen(random_events(random, 12));
    world.pass();
    if (random.chance(60)) world.scramble(random);
    world.restart();
    std::string damage;
    for (const auto& command : world.damage(random)) damage += "\n  " + command;
    INFO("damage:" << damage);
    if (random.chance(50)) world.happen(random_events(random, 8));
    repaired += plan(world.desired(), world.kernel().dump()).size();
    require_converges(world);
  });
  CHECK(repaired > cases * 10);  // the cases are not trivial
}

TEST_CASE("properties: a long life ends where one pass from nothing does") {
  for_random_cases(length(3, 6), [](Random& random) {
    LinuxWorld world;
    live_through(random, world, random_events(random, 25));
    world.settle();
    require_converges(world);
    require_equal(world.kernel().dump(), world.from_nothing());
  });
}

TEST_CASE("properties: events reordered, repeated or squashed give the same state") {
  for_random_cases(3, [](Random& random) {
    // This node's own address is fixed: an agent that chooses an address must remember its choice.
    std::vector<Event> events = {
        NodeEvent{kRandomSelf,
                  seed::node(kRandomSelf, "2023-01-05", "10.0.1.0/24", "172.18.0.3", "10.0.1.138")},
        KeyEvent{seed::worker().key}};
    while (events.size() < 20) events.push_back(random_foreign_event(random));

    LinuxWorld straight;
    live_through(random, straight, events);
    straight.settle();
    const auto result = straight.kernel().dump();
    for (const auto& other : {reordered(random, events), squashed(events)}) {
      LinuxWorld world;
      live_through(random, world, other);
      world.settle();
      require_equal(world.kernel().dump(), result);
    }
  });
}

TEST_CASE("properties: others' objects survive a life and a cleanup that leaves nothing of ours") {
  size_t obstructed = 0;
  for_random_cases(3, [&](Random& random) {
    LinuxWorld world(obstructed ? LinuxWorld::Netfilter::off : LinuxWorld::Netfilter::on);
    shell("sysctl -qw net.ipv4.conf.eth0.rp_filter=2 net.ipv4.conf.all.rp_filter=1");
    world.happen(random_events(random, 12));
    plant_neighbours();
    obstruct(random, world);
    const auto planted = world.site().listing();
    for (int i = 0; i < 4; ++i) {
      for (const auto& refusal : world.pass()) {
        INFO(describe(refusal.operation) << ": " << refusal.sentence);
        CHECK(refusal.error == EEXIST);
        ++obstructed;
      }
      const auto now = world.site().listing();
      for (const auto& line : planted) {
        INFO("planted: " << line);
        CHECK(now.contains(line));
      }
      if (random.chance(50)) world.restart();
      world.happen(random_events(random, 4));
    }
    require_reaches(world.kernel(), {});
    CHECK(world.site().listing() == planted);
    CHECK(traces_of_ours() == "");
    CHECK(shell("sysctl -n net.ipv4.conf.eth0.rp_filter net.ipv4.conf.all.rp_filter") == "2\n1\n");
  });
  CHECK(obstructed > 4);
}

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
