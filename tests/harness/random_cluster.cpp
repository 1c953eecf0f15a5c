#include "tests/harness/random_cluster.h"

#include <algorithm>
#include <map>

#include "tests/harness/seed_inputs.h"

namespace pellicle {

namespace {

IpAddress random_address(Random& random, const Cidr& cidr) {
  return IpAddress::v4(cidr.address().v4_host_order() + static_cast<uint32_t>(random.below(6)));
}

// Mostly one of eight /24s; sometimes one that overlaps them or the nodes' own network.
Cidr random_cidr(Random& random) {
  if (random.chance(4)) return seed::cidr("172.18.0.0/24");
  const auto third = static_cast<uint32_t>(random.below(8));
  const auto length = static_cast<uint8_t>(random.chance(85) ? 24 : 22 + random.below(5));
  return {IpAddress::v4(0x0a000000 + third * 256), length};
}

Node random_node(Random& random, const std::string& name) {
  Node node{.name = name, .created = "2023-01-0" + std::to_string(1 + random.below(9))};
  if (random.chance(95)) node.pod_cidrs = {random_cidr(random)};
  if (name == kRandomSelf ? random.chance(95) : random.chance(5)) {
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
          .addresses = {random_address(random, random_cidr(random))}};
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
  if (random.chance(10)) return NodeEvent{kRandomSelf, random_node(random, kRandomSelf)};
  return random_foreign_event(random);
}

std::vector<Event> random_events(Random& random, size_t count) {
  std::vector<Event> events = {NodeEvent{kRandomSelf, random_node(random, kRandomSelf)},
                               KeyEvent{random_key(random)}};
  while (events.size() < count) events.push_back(random_event(random));
  return events;
}

Inputs inputs_before_events() {
  Inputs inputs;
  inputs.settings.node_name = kRandomSelf;
  inputs.settings.strict_cidrs = {seed::cidr("10.0.0.0/8")};
  return inputs;
}

void hear(Inputs& inputs, const Event& event) {
  if (const auto* change = std::get_if<NodeEvent>(&event)) {
    inputs.nodes.erase(change->name);
    if (change->node) inputs.nodes[change->name] = *change->node;
  } else if (const auto* key = std::get_if<KeyEvent>(&event)) {
    inputs.key = key->key;
  } else {
    const auto& pod = std::get<PodEvent>(event);
    std::erase_if(inputs.endpoints, [&](const Endpoint& known) { return known.id == pod.id; });
    if (pod.endpoint) inputs.endpoints.push_back(*pod.endpoint);
  }
}

void remember_router(Inputs& inputs) {
  const auto own = inputs.nodes.find(inputs.settings.node_name);
  if (own == inputs.nodes.end()) return;
  for (const auto& [family, network] : cluster(inputs).own) {
    (family == Family::v4 ? own->second.router_ipv4 : own->second.router_ipv6) = network.router;
  }
}

std::vector<Event> reordered(Random& random, const std::vector<Event>& events) {
  std::map<std::string, std::vector<Event>> queues;
  std::vector<std::string> turns;
  for (const auto& event : events) {
    queues[object_of(event)].push_back(event);
    turns.push_back(object_of(event));
  }
  std::shuffle(turns.begin(), turns.end(), random.engine());
  std::vector<Event> mixed;
  std::map<std::string, size_t> next;
  for (const auto& object : turns) {
    mixed.push_back(queues[object][next[object]++]);
    if (random.chance(20)) mixed.push_back(mixed.back());
  }
  return mixed;
}

std::vector<Event> squashed(const std::vector<Event>& events) {
  std::map<std::string, Event> last;
  for (const auto& event : events) last.insert_or_assign(object_of(event), event);
  std::vector<Event> result;
  for (const auto& [object, event] : last) result.push_back(event);
  return result;
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
// Keeps a priority between the seed's and the permanent block's if there is no template: it marks
// the policy as Pellicle's.
void spoil(Random&, Policy& policy) {
  if (policy.tmpl || policy.priority >= 100) policy.priority += 1;
  if (policy.tmpl) policy.tmpl->dst = IpAddress::v4(0x0a0000fe);
}
void spoil(Random&, DatapathConfig& config) {
  if (config.v4) config.v4->router = IpAddress::v4(0x0a0000fe);
  config.uplink = "cilium_net";
}
void spoil(Random&, PeerEntry& peer) {
  peer.key_id = peer.key_id ? 0 : 9;
}
void spoil(Random&, EndpointEntry& endpoint) {
  endpoint.device = "eth0";
}
void spoil(Random&, PodSource&) {}
void spoil(Random& random, AddressOwner& owner) {
  owner.to_pods = random.chance(50) ? ClearText::is_observed : ClearText::passes;
  owner.router = IpAddress::v4(0x0a0000fe);
}
void spoil(Random& random, NetfilterChain& chain) {
  if (random.chance(50)) chain.parent.clear();
  chain.rules.pop_back();
}
void spoil(Random& random, Attachment& attachment) {
  if (random.chance(50)) attachment.tag = "an older build's";
  (random.chance(50) ? attachment.current_maps : attachment.foremost) = false;
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
