// A peer's change computed by itself equals the complete computation.
#include "agent/desired/peer_change.h"

#include <algorithm>

#include "agent/keys/derive.h"
#include "agent/reconcile/plan.h"
#include "tests/harness/catch.h"
#include "tests/harness/random_cluster.h"
#include "tests/harness/seed_inputs.h"

namespace pellicle::this_file {

namespace {

enum class KeyForm { shared, pair };

// Adds the fields that pair keys and host encryption need, and random effects of a rotation.
void adorn(Random& random, Node& node) {
  const auto number = static_cast<uint32_t>(node.name.back());
  if (random.chance(80)) node.key_id = static_cast<uint8_t>(1 + random.below(4));
  if (random.chance(90)) node.boot_id = "11111111-1111-1111-1111-1111111111" + node.name.substr(4);
  node.boot_id.resize(node.boot_id.empty() ? 0 : 36, '0');
  const auto first = random.below(3);
  for (size_t i = first; i < first + 1 + random.below(2); ++i) {
    const auto spi = 0x10000000U | number << 12 | static_cast<uint32_t>(i) << 4;
    // Sometimes the SPI of another node.
    node.epochs.push_back({.spi = random.chance(3) ? 0x10031010U : spi, .generation = i});
  }
  if (random.chance(50)) node.receives = {0x100ff010};
  node.accepts_host_encryption = random.chance(50);
  node.encrypts_pods = random.chance(50);
  node.encrypts_nodes = node.encrypts_pods && random.chance(50);
}

// A node that makes passes on a kernel that accepts everything.
struct Reckoner {
  Inputs inputs = inputs_before_events();
  Desired desired;

  Reckoner(Random& random, KeyForm form) {
    inputs.derive = derive_key;
    inputs.settings.host_encryption = random.chance(30);
    if (random.chance(30)) inputs.settings.native_cidr = seed::cidr("10.0.0.0/22");
    if (form == KeyForm::pair) {
      inputs.sender = {.boot_id = "22222222-2222-2222-2222-222222222222",
                       .epochs = {{.spi = 0x100ff000, .generation = 1}},
                       .settled = random.chance(70)};
      if (random.chance(40)) inputs.sender.epochs.push_back({.spi = 0x100ff010, .generation = 2});
    }
    inputs.host.uplinks[seed::ip("172.18.0.3")] = {.name = "eth0", .mtu = 1500};
    inputs.host.program_tags = seed::program_tags();
  }

  Desired whole() const {
    Inputs all = inputs;
    all.programmed = {desired.state.states, desired.state.policies, desired.state.peers};
    return compute(all);
  }
  void pass() {
    for (int i = 0; i < 3; ++i) desired = whole();
    remember_router(inputs);
    for (const auto& [family, network] : desired.cluster.own) {
      inputs.host.router_ipv4 = network.router;
    }
  }
};

std::vector<Problem> sorted(std::vector<Problem> problems) {
  std::sort(problems.begin(), problems.end());
  return problems;
}

void require_same(const Desired& found, const Desired& wanted) {
  for (const auto& operation : plan(wanted.state, found.state)) {
    UNSCOPED_INFO(describe(operation));
  }
  const bool same_state = found.state == wanted.state;
  REQUIRE(same_state);
  REQUIRE(sorted(found.problems) == sorted(wanted.problems));
  const auto& a = found.cluster;
  const auto& b = wanted.cluster;
  const bool same_cluster = a.peers == b.peers && a.unready == b.unready && a.claims == b.claims &&
                            a.own == b.own && a.waiting == b.waiting && a.disputed == b.disputed;
  REQUIRE(same_cluster);
}

// The number of changes that were computed by themselves.
size_t live(Random& random, KeyForm form) {
  size_t taken = 0;
  Reckoner node(random, form);
  for (auto event : random_events(random, 40)) {
    auto* change = std::get_if<NodeEvent>(&event);
    if (change && change->node) adorn(random, *change->node);
    if (auto* key = std::get_if<KeyEvent>(&event); key && key->key) {
      key->key->per_pair = form == KeyForm::pair;
    }
    if (!change || change->name == kRandomSelf || node.desired.state.links.empty()) {
      hear(node.inputs, event);
      node.pass();
      continue;
    }
    const auto found = peer_change(node.inputs, node.desired, change->name, change->node);
    auto last = node.inputs;
    hear(node.inputs, event);
    if (found) {
      ++taken;
      auto desired = node.desired;
      take_over(*found, last, desired);
      REQUIRE(last == node.inputs);
      require_same(desired, node.whole());
      const auto delta = plan(found->after.state, found->before.state);
      const auto all = plan(node.whole().state, node.desired.state);
      REQUIRE(delta == all);
    }
    node.pass();
  }
  return taken;
}

}  // namespace

TEST_CASE("a peer's change by itself is what everything computed again gives") {
  size_t taken = 0;
  constexpr uint64_t kCases = 300;
  for (uint64_t seed = 1; seed <= kCases; ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    taken += live(random, seed % 2 == 0 ? KeyForm::shared : KeyForm::pair);
  }
  CHECK(taken > kCases);
}

TEST_CASE("a peer that joins or goes among thousands changes its own objects and no others") {
  auto inputs = seed::worker();
  const auto peer = [&](uint32_t number) {
    const auto name = "peer" + std::to_string(number);
    auto node =
        seed::node(name.c_str(), "2023-01-01T00:00:00Z", "10.1.0.0/24", "172.19.0.1", "10.1.0.1");
    node.pod_cidrs = {{IpAddress::v4(0x0b000000 + number * 256), 24}};
    node.internal_ipv4 = IpAddress::v4(0xac140000 + number);
    node.router_ipv4 = IpAddress::v4(0x0b000001 + number * 256);
    return node;
  };
  for (uint32_t i = 0; i < 2000; ++i) inputs.nodes[peer(i).name] = peer(i);
  auto desired = compute(inputs);
  const auto before = desired.state;

  const auto joins = peer_change(inputs, desired, "peer5000", peer(5000));
  REQUIRE(joins);
  CHECK(plan(joins->after.state, joins->before.state).size() == 9);  // as for any peer
  CHECK(joins->after.state.states.size() == 2);
  take_over(*joins, inputs, desired);
  CHECK(plan(desired.state, before).size() == 9);

  const auto goes = peer_change(inputs, desired, "peer5000", std::nullopt);
  REQUIRE(goes);
  take_over(*goes, inputs, desired);
  CHECK(plan(desired.state, before).empty());
}

TEST_CASE("what is not a peer's alone is left to a whole computation") {
  auto inputs = seed::worker();
  auto desired = compute(inputs);
  const auto other = [](const char* cidr, const char* internal, const char* router) {
    return seed::node("other", "2023-01-01T00:00:00Z", cidr, internal, router);
  };
  const auto change = [&](const Node& node) {
    return peer_change(inputs, desired, node.name, node).has_value();
  };
  CHECK(change(other("10.0.9.0/24", "172.18.0.9", "10.0.9.1")));
  // This node itself, and addresses that another Node holds.
  CHECK_FALSE(change(inputs.nodes.at("worker")));
  CHECK_FALSE(change(other("10.0.1.0/25", "172.18.0.9", "10.0.1.1")));
  CHECK_FALSE(change(other("10.0.0.0/16", "172.18.0.9", "10.0.9.1")));
  CHECK_FALSE(change(other("10.0.9.0/24", "172.18.0.4", "10.0.9.1")));
  CHECK_FALSE(change(other("172.18.0.0/24", "172.19.0.9", "172.18.0.1")));
  // Its SPI equals this node's, or another peer's.
  inputs.key->per_pair = true;
  inputs.derive = derive_key;
  inputs.sender = {.boot_id = "22222222-2222-2222-2222-222222222222",
                   .epochs = {{.spi = 0x10000010}},
                   .settled = true};
  auto& peer = inputs.nodes.at("worker2");
  peer.boot_id = "11111111-1111-1111-1111-111111111111";
  peer.epochs = {{.spi = 0x10000020}};
  desired = compute(inputs);
  auto node = other("10.0.9.0/24", "172.18.0.9", "10.0.9.1");
  node.boot_id = "33333333-3333-3333-3333-333333333333";
  node.epochs = {{.spi = 0x10000030}};
  CHECK(change(node));
  node.epochs = {{.spi = 0x10000010}};
  CHECK_FALSE(change(node));
  node.epochs = {{.spi = 0x10000020}};
  CHECK_FALSE(change(node));
}

}  // namespace pellicle::this_file
