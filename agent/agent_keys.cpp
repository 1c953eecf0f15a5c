// The agent's part in key rotation: which keys it has, which its peers have, what it announces.
#include <time.h>

#include <algorithm>

#include "agent/agent.h"
#include "agent/desired/programmed_key.h"
#include "agent/keys/announcement.h"
#include "agent/log.h"

namespace pellicle {

namespace {

using SteadyClock = std::chrono::steady_clock;

uint64_t milliseconds_since_boot() {
  timespec time{};
  clock_gettime(CLOCK_BOOTTIME, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1000 + static_cast<uint64_t>(time.tv_nsec) / 1000000;
}

std::chrono::milliseconds until(SteadyClock::time_point due) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(due - SteadyClock::now());
  return std::max(left, std::chrono::milliseconds(1));
}

}  // namespace

// After a restart the programmed states keep working, so the agent takes their keys from the
// kernel.
void Agent::resume() {
  auto keys = programmed_keys(kernel_.dump());
  store_.resume_keys(std::move(keys.known), std::move(keys.ids_only));
}

// States with the Secret's key id exist already, and the Secret's key cannot be computed from
// theirs.
void Agent::confirm_key(Inputs& inputs) {
  if (!store_.unconfirmed()) return;
  inputs.key = store_.unconfirmed();
  const auto self = inputs.nodes.find(config_.settings.node_name);
  inputs.sender = {.boot_id = key_use_.boot_id(), .epochs = key_use_.epochs()};
  if (inputs.sender.epochs.empty() && self != inputs.nodes.end()) {
    inputs.sender.epochs = self->second.epochs;
  }
  store_.confirm_key(!contradicts_programmed(inputs));
  inputs.key = store_.ring().newest();
  inputs.inherited_keys = store_.ring().inherited();
}

Desired Agent::prepare(Inputs& inputs) {
  confirm_key(inputs);
  return key_use_.prepare(inputs,
                          {.now = SteadyClock::now(), .since_boot = milliseconds_since_boot()});
}

Conclude Agent::foresee() const {
  // Each call of the preview continues with the copy that the one before has left.
  return [copy = std::make_shared<KeyUse>(key_use_.copy_that_writes_nothing())](Inputs& inputs) {
    return copy->prepare(inputs,
                         {.now = SteadyClock::now(), .since_boot = milliseconds_since_boot()});
  };
}

void Agent::note_not_made(const std::vector<Refusal>& refusals) {
  for (const auto& refusal : refusals) {
    const auto* change = std::get_if<Change<State>>(&refusal.operation);
    if (change && change->action == Action::add) {
      key_use_.not_made(passes_.last().inputs, *change);
    }
  }
}

// Runs after each pass: retires older keys that no node needs, and requests a pass for when the
// rotation has to be looked at again.
void Agent::advance_rotation() {
  const auto& inputs = passes_.last().inputs;
  if (const auto& due = key_use_.due()) passes_.request(until(*due));
  if (!store_.ring().rotating() && !store_.ring().newest()) return;
  KeyRing::Observation seen{.now = SteadyClock::now(), .announced = {}, .received = {}};
  for (const auto& peer : passes_.last().desired.cluster.peers)
    seen.announced[peer.name] = peer.node.key_id;
  const auto self = inputs.nodes.find(config_.settings.node_name);
  if (self != inputs.nodes.end()) seen.announced[self->first] = self->second.key_id;
  seen.received = kernel_.received();
  const auto before = store_.ring().older_ids();
  for (const auto& key : store_.retire_keys(seen, config_.key_rotation_duration)) {
    key_use_.retired(key);
  }
  const auto after = store_.ring().older_ids();
  for (const uint8_t id : before) {
    if (!after.contains(id)) log::info("key retired", {{"key", static_cast<int>(id)}});
  }
  if (before != after) return passes_.request();
  if (store_.ring().rotating()) passes_.request(rotation_beat());
}

std::chrono::milliseconds Agent::rotation_beat() const {
  using namespace std::chrono_literals;
  constexpr int kLooks = 5;  // during one key-rotation-duration
  return std::clamp<std::chrono::milliseconds>(config_.key_rotation_duration / kLooks, 200ms, 10s);
}

// Not ready while peers wait for what this node has only just announced.
bool Agent::ready() const {
  return passes_.last().ready && may_send(passes_.last().inputs, passes_.last().desired.cluster);
}

Annotations Agent::announcement(const Annotations& present) const {
  const auto& last = passes_.last();
  const PassResult pass{last.inputs, last.desired.cluster, last.desired.state, last.refusals};
  auto wanted = published(last.desired.state.datapath_config.begin()->second.networks(),
                          announced_key(pass), config_.settings.host_encryption);
  wanted.merge(published(last.inputs.sender, received_epochs(pass), present));
  const std::string used(kSequenceUsedAnnotation);
  if (sequence_use_ && (sequence_use_->percent > 0 || present.contains(used))) {
    wanted[used] = sequence_use_->text();
  }
  announce_health(present, wanted);
  return wanted;
}

void Agent::note_rotation_problems(std::vector<Problem>& problems) const {
  const auto& ring = store_.ring();
  const auto& rotated = ring.rotated();
  if (!ring.newest() || !rotated) return;
  if (SteadyClock::now() - *rotated < config_.key_rotation_duration) return;
  for (const uint8_t id : ring.older_ids()) {
    for (const auto& name : ring.lacking(id)) {
      problems.push_back({"Node " + name, "metadata.annotations[network.cilium.io/encryption-key]",
                          "has not announced key " + std::to_string(ring.newest()->id) +
                              " or another newer than " + std::to_string(id) +
                              ", which therefore stays in use"});
    }
  }
}

}  // namespace pellicle
