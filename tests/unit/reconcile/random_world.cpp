#include "tests/unit/reconcile/random_world.h"

#include "agent/reconcile/reconciler.h"
#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"

namespace pellicle {

namespace {

constexpr const char* kSelf = "worker";

IpAddress random_address(Random& random, const Cidr& cidr) {
  return IpAddress::v4(cidr.address().v4_host_order() + static_cast<uint32_t>(random.below(6)));
}

// Mostly one of eight /24, now and then something that overlaps them or the nodes' own network.
Cidr random_cidr(Random& random) {
  if (random.chance(4)) return seed::cidr("172.18.0.0/24");
  const auto third = static_cast<uint32_t>(random.below(8));
  const auto length = static_cast<uint8_t>(random.chance(85) ? 24 : 22 + random.below(5));
  return {IpAddress::v4(0x0a000000 + third * 256), length};
}

Node random_node(Random& random, const std::string& name) {
  Node node{.name = name, .created = "2023-01-0" + std::to_string(1 + random.below(9))};
  if (random.chance(95)) node.pod_cidrs = {random_cidr(random)};
  if (name == kSelf ? random.chance(95) : random.chance(5)) {
    node.internal_ipv4 = seed::ip("172.18.0.3");
  } else if (random.chance(95)) {
    node.internal_ipv4 = IpAddress::v4(0xac120004 + static_cast<uint32_t>(random.below(12)));
  }
  if (!node.pod_cidrs.empty() && random.chance(85)) {
    node.router_ipv4 = random_address(random, node.pod_cidrs.front());
  }
  return node;
}

IpsecKey random_key(Random& random) {
  return {.id = static_cast<uint8_t>(1 + random.below(4)),
          .algorithm = seed::gcm(static_cast<uint8_t>(1 + random.below(3)))};
}

Endpoint random_endpoint(Random& random, const std::string& id) {
  return {.id = id,
          .name = "default/" + id,
          .device = "lxc00000000000" + id,
          .address = random_address(random, random_cidr(random))};
}

}  // namespace

std::string object_of(const Event& event) {
  if (const auto* node = std::get_if<NodeEvent>(&event)) return "node " + node->name;
  if (const auto* pod = std::get_if<PodEvent>(&event)) return "pod " + pod->id;
  return "key";
}

Event random_foreign_event(Random& random) {
  if (random.chance(10)) {
    return KeyEvent{random.chance(80) ? std::optional(random_key(random)) : std::nullopt};
  }
  if (random.chance(30)) {
    const auto id = std::to_string(random.below(5));
    return PodEvent{id,
                    random.chance(70) ? std::optional(random_endpoint(random, id)) : std::nullopt};
  }
  const auto name = "node" + std::to_string(random.below(6));
  return NodeEvent{name,
                   random.chance(80) ? std::optional(random_node(random, name)) : std::nullopt};
}

Event random_event(Random& random) {
  if (random.chance(10)) return NodeEvent{kSelf, random_node(random, kSelf)};
  return random_foreign_event(random);
}

std::vector<Event> random_events(Random& random, size_t count) {
  std::vector<Event> events = {NodeEvent{kSelf, random_node(random, kSelf)},
                               KeyEvent{random_key(random)}};
  while (events.size() < count) events.push_back(random_event(random));
  return events;
}

World::World() {
  inputs.settings.node_name = kSelf;
  inputs.settings.strict_cidr = seed::cidr("10.0.0.0/8");
  kernel.program_tags = seed::program_tags();
  kernel.add_device("eth0", {.mtu = 1500, .addresses = {{seed::ip("172.18.0.3"), 16}}});
}

void World::happen(const Event& event) {
  if (const auto* change = std::get_if<NodeEvent>(&event)) {
    inputs.nodes.erase(change->name);
    if (change->node) inputs.nodes[change->name] = *change->node;
  } else if (const auto* key = std::get_if<KeyEvent>(&event)) {
    inputs.key = key->key;
  } else {
    const auto& pod = std::get<PodEvent>(event);
    std::erase_if(inputs.endpoints, [&](const Endpoint& known) {
      const bool gone = known.id == pod.id;
      if (gone) kernel.remove_device(known.device);
      return gone;
    });
    if (!pod.endpoint) return;
    inputs.endpoints.push_back(*pod.endpoint);
    kernel.add_device(pod.endpoint->device, {});
  }
}

KernelState World::desired() {
  inputs.host = kernel.facts();
  return compute(inputs).state;
}

std::vector<Refusal> World::pass() {
  inputs.host = kernel.facts();
  const auto wanted = compute(inputs).state;
  const auto done = reconcile(kernel, wanted);
  const auto own = inputs.nodes.find(kSelf);
  if (own != inputs.nodes.end()) {
    if (const auto router = cluster(inputs).router) own->second.router_ipv4 = router;
  }
  return done.refusals;
}

void World::settle() {
  for (int i = 0; i < 5; ++i) {
    pass();
    if (plan(desired(), kernel.dump()).empty()) return;
  }
}

namespace {

void spoil(Random& random, VethPair& pair) {
  pair.mtu = 1400;
  pair.noarp = random.chance(50);
}
void spoil(Random&, Address& address) {
  address.scope_link = !address.scope_link;
}
void spoil(Random&, Sysctl& sysctl) {
  sysctl.value = "2";
}
void spoil(Random& random, State& state) {
  if (random.chance(50)) state.src = IpAddress::v4(0x0a0000fe);
  state.algorithm = seed::gcm(77);
}
void spoil(Random&, Policy& policy) {
  policy.priority += 1;
  if (policy.tmpl) policy.tmpl->dst = IpAddress::v4(0x0a0000fe);
}
void spoil(Random&, DatapathConfig& config) {
  config.router = IpAddress::v4(0x0a0000fe);
}
void spoil(Random&, PeerEntry& peer) {
  peer.key_id = peer.key_id ? 0 : 9;
}
void spoil(Random&, EndpointEntry& endpoint) {
  endpoint.device = "eth0";
}
void spoil(Random& random, NetfilterChain& chain) {
  if (random.chance(50)) chain.parent.clear();
  chain.rules.pop_back();
}
void spoil(Random& random, Attachment& attachment) {
  if (random.chance(50)) attachment.tag = "an older build's";
  attachment.current_maps = false;
}
void spoil(Random& random, Route& route) {
  if (random.chance(50)) route.mtu = 1400;
  if (route.gateway && !route.src) route.gateway = seed::ip("172.18.0.77");
}
void spoil(Random&, LocalRule& rule) {
  rule.priorities = {0, 100};
}
void spoil(Random&, Rule&) {}

}  // namespace

void scramble(Random& random, KernelState& state) {
  for_each_table([&](const char*, auto table) {
    auto& objects = state.*table;
    std::erase_if(objects, [&](const auto&) { return random.chance(20); });
    for (auto& [key, value] : objects) {
      if (random.chance(30)) spoil(random, value);
    }
  });
}

}  // namespace pellicle
