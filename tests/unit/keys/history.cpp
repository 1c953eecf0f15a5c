#include "tests/unit/keys/history.h"

#include <algorithm>

#include "agent/keys/announcement.h"
#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"

namespace pellicle {

namespace {

using namespace std::chrono_literals;

// The policy for a packet with this key id's mark: one that matches the mark comes first.
const Table<Policy>::value_type* leading(const KernelState& kernel, const Cidr& from,
                                         const Cidr& to, uint8_t id) {
  for (const auto& mark : {encrypt_mark(id), Mark{}}) {
    const auto found = kernel.policies.find({Direction::out, from, to, mark});
    if (found != kernel.policies.end() && found->second.tmpl) return &*found;
  }
  return nullptr;
}

std::string new_boot_id(int number) {
  std::string digits = std::to_string(number);
  return "00000000-0000-0000-0000-" + std::string(12 - digits.size(), '0') + digits;
}

Node node_object(size_t number) {
  const auto text = std::to_string(number + 1);
  auto node = seed::node(("node" + text).c_str(), ("2023-01-0" + text).c_str(),
                         ("10.0." + text + ".0/24").c_str(), ("172.18.0." + text).c_str(),
                         ("10.0." + text + ".1").c_str());
  node.key_id.reset();
  return node;
}

}  // namespace

History::History(Random& random, size_t nodes) : random_(random), nodes_(nodes) {
  new_key();
  for (size_t i = 0; i < nodes; ++i) {
    auto& node = nodes_[i];
    node.object = node_object(i);
    node.name = node.object.name;
    node.boot_id = new_boot_id(++boots_);
    node.directory = std::make_unique<TemporaryDirectory>();
    node.kernel.add_device("eth0", {.mtu = 1500, .addresses = {{*node.object.internal_ipv4, 16}}});
    node.kernel.program_tags = seed::program_tags();
    api_.nodes[node.name] = node.object;
    start(node);
  }
}

void History::new_key() {
  auto key = IpsecKey{.id = 1, .algorithm = seed::gcm(next_fill_++), .per_pair = true};
  if (!past_keys_.empty()) {
    key.id = static_cast<uint8_t>(past_keys_.back().id % 15 + 1);
    // Sometimes reuses an older key's bytes.
    if (random_.chance(15)) key.algorithm = past_keys_[random_.below(past_keys_.size())].algorithm;
  }
  past_keys_.push_back(key);
  api_.key = key;
}

void History::start(HistoryNode& node) {
  Settings settings;
  settings.node_name = node.name;
  settings.marked_policies = node.marked_policies;
  node.agent = std::make_unique<NodeCore>(
      settings, node.kernel, node.directory->path(), node.boot_id,
      [this] { return KeyUse::Clock{.now = now_, .since_boot = since_boot_}; });
  node.agent->rotation.resume();
  node.agent->adopt_pods();
}

bool History::step(HistoryNode& node) {
  auto& core = node.agent->core;
  auto actual = node.kernel.dump();
  auto step = core.next(actual);
  auto refusals = core.apply(step.plan);
  follow_counters(node, node.kernel.dump());
  return core.took(std::move(step), std::move(refusals));
}

// An existing state keeps its counter; a new one starts at zero.
void History::follow_counters(const HistoryNode& node, const KernelState& state) {
  std::erase_if(counters_, [&](const auto& entry) {
    return entry.first.first == node.name && !state.states.contains(entry.first.second);
  });
  for (const auto& [key, value] : state.states) {
    if (key.mark == kDecryptMark) continue;
    auto& counter = counters_[{node.name, key}];
    if (counter.algorithm != value.algorithm) counter = {.algorithm = value.algorithm};
  }
}

void History::publish(HistoryNode& node) {
  if (api_.away) return;
  const auto found = api_.nodes.find(node.name);
  const auto& last = node.agent->core.last();
  if (found == api_.nodes.end() || !last.ready) return;
  const PassResult pass{last.inputs, last.desired.cluster, last.desired.state, last.refusals};
  auto& object = found->second;
  const auto shown = object;
  if (const auto id = announced_key(pass)) object.key_id = id;
  object.boot_id = node.boot_id;
  object.epochs = last.inputs.sender.epochs;
  object.receives = received_epochs(pass);
  if (object != shown) ++announced_;
  if (!damaged_.contains(node.name)) unannounced_.erase(node.name);
}

void History::pass(HistoryNode& node) {
  for (int i = 0; i < kMostSteps && step(node); ++i) {
  }
  damaged_.erase(node.name);
  node.agent->rotation.advance(node.agent->core.last(), now_);
  publish(node);
}

void History::hear_and_pass(HistoryNode& node) {
  if (!api_.away) {
    node.agent->list(api_.nodes, api_.key);
    std::erase_if(unheard_, [&](const auto& pair) {
      return pair.first == node.name && !unannounced_.contains(pair.second);
    });
  }
  pass(node);
}

void History::advance(std::chrono::milliseconds time) {
  now_ += time;
  since_boot_ += static_cast<uint64_t>(time.count());
}

void History::restart(HistoryNode& node) {
  start(node);
}

void History::change_version(HistoryNode& node) {
  node.marked_policies = !node.marked_policies;
  start(node);
}

void History::wipe(HistoryNode& node) {
  node.kernel.apply(plan({}, node.kernel.dump()));
  follow_counters(node, {});
  node.directory = std::make_unique<TemporaryDirectory>();
  forget_life(node);
}

// What the peers know of this node is now outdated.
void History::forget_life(const HistoryNode& node) {
  damaged_.insert(node.name);
  unannounced_.insert(node.name);
  for (const auto& other : nodes_) unheard_.emplace(other.name, node.name);
}

void History::reboot(HistoryNode& node) {
  wipe(node);
  node.boot_id = new_boot_id(++boots_);
  start(node);
}

void History::reinstall(HistoryNode& node) {
  wipe(node);
  advance(1ms);
  start(node);
}

void History::flush(HistoryNode& node, size_t percent) {
  KernelState gone;
  for (const auto& [key, state] : node.kernel.dump().states) {
    if (random_.chance(percent)) gone.states.emplace(key, state);
  }
  node.kernel.apply(plan({}, gone));
  follow_counters(node, node.kernel.dump());
  damaged_.insert(node.name);
}

void History::leave_and_return(HistoryNode& node) {
  api_.nodes.erase(node.name);
  for (auto& other : nodes_) {
    if (random_.chance(70)) hear_and_pass(other);
  }
  api_.nodes[node.name] = node.object;
  hear_and_pass(node);
  for (auto& other : nodes_) hear_and_pass(other);
}

// Unavoidable losses: the receiver's states are gone; the receiver started new epochs and the
// sender has not seen them yet; or the receiver takes the sender for a node that left.
bool History::excused(const HistoryNode& from, const HistoryNode& to) const {
  if (damaged_.contains(to.name) || unheard_.contains({from.name, to.name})) return true;
  const auto& nodes = to.inputs().nodes;
  const auto back = nodes.find(from.name);
  return back == nodes.end() || back->second.boot_id.empty();
}

void History::send(HistoryNode& from, HistoryNode& to) {
  const auto kernel = from.kernel.dump();
  const auto other = to.kernel.dump();
  const auto entry = kernel.peers.find({to.object.pod_cidrs[0]});
  const uint8_t id = entry == kernel.peers.end() ? 0 : entry->second.key_id;
  const auto* policy =
      id == 0 ? nullptr : leading(kernel, from.object.pod_cidrs[0], to.object.pod_cidrs[0], id);
  if (policy == nullptr) {
    ++dropped_;
    return;
  }
  const auto spi = policy->second.tmpl->spi;
  const State::Key key{policy->second.tmpl->dst, spi, policy->first.mark};
  if (!kernel.states.contains(key)) {
    ++dropped_;
    return;
  }
  auto& counter = counters_.at({from.name, key});
  INFO(from.name << " to " << to.name << " with spi " << std::hex << spi);
  REQUIRE(used_.emplace(fingerprint(counter.algorithm), ++counter.sent).second);
  if (excused(from, to)) return;
  const auto receives = other.states.find({policy->second.tmpl->dst, spi, kDecryptMark});
  REQUIRE(receives != other.states.end());
  const bool decrypts = receives->second.algorithm == counter.algorithm;
  REQUIRE(decrypts);
}

void History::send_everywhere() {
  for (auto& from : nodes_) {
    for (auto& to : nodes_) {
      if (from.name != to.name) send(from, to);
    }
  }
}

// After a restart the agent lacks the bytes of inherited keys, so it cannot create their states
// again. If those states are lost too, they stay lost until the rotation goes on.
bool History::any_inherited() const {
  return std::any_of(nodes_.begin(), nodes_.end(), [](const HistoryNode& node) {
    return !node.agent->store.ring().inherited().empty();
  });
}

void History::happen() {
  auto& node = nodes_[random_.below(nodes_.size())];
  const auto what = random_.below(100);
  if (what < 8) {
    // Skips an id that some node still uses, as after fifteen unfinished rotations.
    if (!key_ids().contains(static_cast<uint8_t>(api_.key->id % 15 + 1))) new_key();
  } else if (what < 13) {
    restart(node);
  } else if (what < 16) {
    change_version(node);
  } else if (what < 19) {
    reboot(node);
  } else if (what < 22) {
    reinstall(node);
  } else if (what < 26 && !api_.away && !any_inherited()) {
    flush(node, random_.chance(50) ? 100 : 30);
    if (random_.chance(30)) {  // the flush happened while no agent ran
      forget_life(node);
      restart(node);
    }
    if (!api_.away) hear_and_pass(node);
  } else if (what < 29 && !api_.away && !any_inherited()) {
    leave_and_return(node);
  } else if (what < 32) {
    for (auto& each : nodes_) hear_and_pass(each);  // a watch delivers before the server goes away
    api_.away = !api_.away;
  } else if (what < 75) {
    hear_and_pass(node);
  } else {
    // Every node receives an event within a second.
    for (auto& each : nodes_) hear_and_pass(each);
    advance(std::chrono::milliseconds(random_.below(1500)));
  }
}

void History::settle() {
  api_.away = false;
  for (int i = 0; i < 40; ++i) {
    for (auto& node : nodes_) hear_and_pass(node);
    advance(500ms);
  }
}

std::set<uint8_t> History::key_ids() const {
  std::set<uint8_t> ids;
  for (const auto& node : nodes_) {
    auto kernel = node.kernel;
    for (const auto& [key, state] : kernel.dump().states) ids.insert(key_id_of(key));
  }
  return ids;
}

}  // namespace pellicle
