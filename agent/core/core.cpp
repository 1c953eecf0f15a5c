#include "agent/core/core.h"

#include <time.h>

#include <algorithm>
#include <utility>

#include "agent/core/lent_state.h"
#include "agent/desired/next_hops.h"
#include "agent/desired/programmed_key.h"
#include "agent/keys/announcement.h"
#include "agent/keys/derive.h"

namespace pellicle {

namespace {

// How long after this node's announcement all other nodes have seen it.
constexpr std::chrono::seconds kHeard{2};

// False when nothing of the node itself is known: then compute() asks for the block policies only.
bool knows_the_node(const KernelState& desired) {
  return !desired.links.empty();
}

// What the kernel holds once it has taken every operation of a step.
KernelState after(const Step& step, KernelState actual) {
  if (step.scope == Scope::everything) return step.desired.state;
  for_each_table([&](const char*, auto member) {
    const auto& wanted = step.desired.state.*member;
    (actual.*member).insert(wanted.begin(), wanted.end());
  });
  return actual;
}

bool prepares_another(const Step& step) {
  return step.desired.cluster.waiting && !step.plan.empty();
}

}  // namespace

Core::Core(Settings settings, const Parts& parts, Now now)
    : settings_(std::move(settings)), parts_(parts), now_(std::move(now)) {}

KeyUse::Clock Core::machine_time() {
  timespec boot{};
  clock_gettime(CLOCK_BOOTTIME, &boot);
  return {.now = std::chrono::steady_clock::now(),
          .since_boot = static_cast<uint64_t>(boot.tv_sec) * 1000 +
                        static_cast<uint64_t>(boot.tv_nsec) / 1000000};
}

std::optional<Inputs> Core::gather() {
  auto snapshot = parts_.store.snapshot();
  if (!snapshot) return std::nullopt;
  remember_self(*snapshot);
  Inputs inputs{.settings = settings_,
                .nodes = std::move(snapshot->nodes),
                .key = std::move(snapshot->key),
                .older_keys = std::move(snapshot->older_keys),
                .inherited_keys = std::move(snapshot->inherited_keys),
                .sender = last_.inputs.sender,
                .derive = derive_key,
                .programmed = {},
                .endpoints = parts_.endpoints.all(),
                .host = parts_.kernel.facts(),
                .next_hops = {},
                .paths = parts_.paths.at(now_().now),
                .held = held_by(last_.refusals)};
  if (health_) {
    inputs.endpoints.push_back(*health_);
    std::sort(inputs.endpoints.begin(), inputs.endpoints.end());
  }
  keep_word(inputs);
  inputs.next_hops = parts_.kernel.next_hops(next_hop_questions(inputs));
  return inputs;
}

void Core::remember_self(ClusterSnapshot& snapshot) {
  const auto self = snapshot.nodes.find(settings_.node_name);
  if (self != snapshot.nodes.end()) {
    last_self_ = self->second;
  } else if (last_self_) {
    snapshot.nodes[settings_.node_name] = *last_self_;
  }
}

// Other nodes drop clear text from a node that announces host encryption. So this node withdraws
// the announcement first, and encrypts until all nodes have seen that.
void Core::keep_word(Inputs& inputs) {
  word_ends_.reset();
  if (inputs.settings.host_encryption) return taken_back_.reset();
  const auto self = inputs.nodes.find(settings_.node_name);
  const auto now = now_().now;
  const bool said = self != inputs.nodes.end() && self->second.encrypts_nodes;
  if (said) taken_back_ = now;
  if (taken_back_ && now >= *taken_back_ + kHeard) taken_back_.reset();
  if (!taken_back_) return;
  inputs.settings.host_encryption = true;
  if (!said) word_ends_ = *taken_back_ + kHeard;
}

// States with the Secret's key id exist already, and the Secret's key cannot be computed from
// theirs.
void Core::confirm_key(Inputs& inputs) {
  auto& store = parts_.store;
  if (!store.unconfirmed()) return;
  inputs.key = store.unconfirmed();
  const auto self = inputs.nodes.find(settings_.node_name);
  inputs.sender = {.boot_id = parts_.keys.boot_id(), .epochs = parts_.keys.epochs()};
  if (inputs.sender.epochs.empty() && self != inputs.nodes.end()) {
    inputs.sender.epochs = self->second.epochs;
  }
  const auto same = parts_.keys.made_with(*inputs.key, inputs.programmed.states);
  store.confirm_key(same.value_or(!contradicts_programmed(inputs)));
  inputs.key = store.ring().newest();
  inputs.inherited_keys = store.ring().inherited();
}

Step Core::step(KernelState& actual, Inputs inputs, const Conclude& conclude) const {
  Step step{.inputs = std::move(inputs), .desired = {}, .plan = {}};
  {
    const LentState lent(actual, *step.inputs);
    step.desired = conclude(*step.inputs);
  }
  step.scope = scope(step.desired);
  step.plan = plan(step.desired.state, actual, step.scope);
  return step;
}

Step Core::next(KernelState& actual) {
  auto inputs = gather();
  if (!inputs) return {.inputs = {}, .desired = {}, .plan = plan(kept(actual), actual)};
  return step(actual, std::move(*inputs), [this](Inputs& whole) {
    confirm_key(whole);
    return parts_.keys.prepare(whole, now_());
  });
}

Plan Core::preview() {
  auto actual = parts_.kernel.dump();
  auto inputs = gather();
  if (!inputs) return plan(kept(actual), actual);
  auto keys = parts_.keys.copy_that_writes_nothing();
  // A refusal ends a pass after its first step, and what was refused will be refused again.
  const int steps = last_.refusals.empty() ? kMostSteps : 1;
  Plan operations;
  for (int i = 0; i < steps; ++i) {
    auto step = this->step(actual, std::move(*inputs),
                           [&](Inputs& whole) { return keys.prepare(whole, now_()); });
    const bool more = prepares_another(step);
    std::move(step.plan.begin(), step.plan.end(), std::back_inserter(operations));
    if (!more) break;
    actual = after(step, std::move(actual));
    inputs = std::move(step.inputs);
  }
  return operations;
}

bool Core::took(Step step, std::vector<Refusal> refusals) {
  last_.refusals = std::move(refusals);
  if (!step.inputs) return false;
  const bool more = (prepares_another(step) && last_.refusals.empty()) ||
                    held_by(last_.refusals) != step.inputs->held;
  last_.inputs = std::move(*step.inputs);
  last_.desired = std::move(step.desired);
  not_made(last_.refusals);
  last_.complete = knows_the_node(last_.desired.state);
  last_.settled = last_.refusals.empty() && step.scope == Scope::everything;
  last_.ready =
      last_.complete && std::none_of(last_.refusals.begin(), last_.refusals.end(),
                                     [](const auto& each) { return essential(each.operation); });
  return more;
}

std::optional<PeerStep> Core::next_of_peer(const std::string& name,
                                           const std::optional<Node>& now) {
  if (!last_.settled) return std::nullopt;
  auto& inputs = last_.inputs;
  if (now) inputs.next_hops.merge(parts_.kernel.next_hops(next_hop_questions(inputs, *now)));
  auto change = peer_change(inputs, last_.desired, name, now);
  if (!change || scope() != Scope::everything) return std::nullopt;
  Plan operations = plan(change->after.state, change->before.state);
  if (!parts_.keys.permit(inputs, operations)) return std::nullopt;
  return PeerStep{.change = std::move(*change), .plan = std::move(operations)};
}

bool Core::took(const PeerStep& step, const std::vector<Refusal>& refusals) {
  if (refusals.empty()) {
    take_over(step.change, last_.inputs, last_.desired);
    return true;
  }
  not_made(refusals);
  doubt();
  return false;
}

// A state that was refused leaves its key unused.
void Core::not_made(const std::vector<Refusal>& refusals) {
  for (const auto& refusal : refusals) {
    const auto* change = std::get_if<Change<State>>(&refusal.operation);
    if (change && change->action == Action::add) parts_.keys.not_made(last_.inputs, *change);
  }
}

bool Core::ready() const {
  return last_.ready && may_send(last_.inputs, last_.desired.cluster);
}

Scope Core::scope() const {
  return parts_.endpoints.adopted() ? Scope::everything : Scope::additions;
}

Scope Core::scope(const Desired& desired) const {
  return knows_the_node(desired.state) && !desired.cluster.incomplete ? scope() : Scope::additions;
}

std::optional<Core::Time> Core::due() const {
  std::optional<Time> first;
  for (const auto& due : {parts_.keys.due(), word_ends_, parts_.paths.ends(now_().now)}) {
    if (due && (!first || *due < *first)) first = due;
  }
  return first;
}

std::vector<Problem> Core::problems() const {
  auto problems = last_.desired.problems;
  const auto snapshot = parts_.store.snapshot();
  if (!snapshot) return problems;
  problems.insert(problems.end(), snapshot->problems.begin(), snapshot->problems.end());
  if (last_self_ && !snapshot->nodes.contains(settings_.node_name)) {
    problems.push_back(
        {"Node " + settings_.node_name, "", "was deleted; what it said last keeps running"});
  }
  return problems;
}

}  // namespace pellicle
