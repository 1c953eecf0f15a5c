// Properties over random clusters, on Linux. A failure names the seed of its case.
// tests/unit/reconcile/properties.cpp runs many more cases over the in-memory kernel.
#include "tests/contract/linux_properties.h"
#include "tests/harness/seed_inputs.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::contract;
using namespace pellicle::contract::properties;
using seed::cidr;
using seed::ip;

namespace {

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

}  // namespace this_file
