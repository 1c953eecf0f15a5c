#include "agent/passes.h"

#include <algorithm>
#include <ctime>
#include <new>

#include "agent/desired/next_hops.h"
#include "agent/heap.h"
#include "agent/kernel/os_error.h"
#include "agent/log.h"

namespace pellicle {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kFirstRetry = 1s;
constexpr std::chrono::milliseconds kLongestRetry = 30s;
constexpr int kIdleShare = 1000;  // denominator of the share of a core spent on idle comparisons
constexpr std::chrono::milliseconds kOften = 30s;
constexpr std::chrono::milliseconds kSeldom = 300s;

// False when nothing of the node itself is known: then compute() asks for the block policies only.
bool knows_the_node(const KernelState& desired) {
  return !desired.links.empty();
}

bool same(const Refusal& a, const Refusal& b) {
  return a.operation == b.operation && a.error == b.error;
}

void log_pass(const Pass& pass, const std::vector<Refusal>& before) {
  for (const auto& operation : pass.plan) {
    const auto refused = [&](const Refusal& refusal) { return refusal.operation == operation; };
    if (std::any_of(pass.refusals.begin(), pass.refusals.end(), refused)) continue;
    log::info("kernel changed", {{"operation", describe(operation)}});
  }
  for (const auto& refusal : pass.refusals) {
    const auto said = [&](const Refusal& other) { return same(refusal, other); };
    if (std::any_of(before.begin(), before.end(), said)) continue;
    log::error("kernel refused",
               {{"operation", describe(refusal.operation)}, {"error", refusal.sentence}});
  }
}

class Stopwatch {
 public:
  double lap() {  // seconds since the previous one
    const auto now = std::chrono::steady_clock::now();
    return std::chrono::duration<double>(now - std::exchange(since_, now)).count();
  }

 private:
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
};

std::chrono::microseconds processor_time() {
  return std::chrono::microseconds(int64_t{std::clock()} * 1'000'000 / CLOCKS_PER_SEC);
}

// Destinations of OUT policies that the kernel refused to add. Packets to them would leave in the
// clear.
std::set<Cidr> held_by(const std::vector<Refusal>& refusals) {
  std::set<Cidr> held;
  for (const auto& refusal : refusals) {
    const auto* change = std::get_if<Change<Policy>>(&refusal.operation);
    const bool added = change != nullptr && change->action == Action::add;
    if (added && change->key.direction == Direction::out) held.insert(change->key.dst);
  }
  return held;
}

struct Essential {
  bool operator()(const Change<State>& change) const {
    return change.key.mark == kDecryptMark && !change.value.esn;  // receives from all peers
  }
  bool operator()(const Change<Policy>& change) const {
    const bool of_all = change.key.direction != Direction::out && change.key.src.length() == 0;
    return of_all || change.key.mark == kEncryptMark;
  }
  bool operator()(const Change<Attachment>& change) const { return !change.value.is_of_pod(); }
  bool operator()(const Change<Route>& change) const {
    return change.value.type == RouteType::local;
  }
  bool operator()(const Change<PeerEntry>&) const { return false; }
  bool operator()(const Change<EndpointEntry>&) const { return false; }
  bool operator()(const Change<PodSource>&) const { return false; }
  bool operator()(const Change<AddressOwner>&) const { return false; }
  bool operator()(const Change<NetfilterChain>&) const { return false; }
  template <class Kind>
  bool operator()(const Change<Kind>&) const {
    return true;
  }
};

}  // namespace

std::chrono::milliseconds pause_of_idle(std::chrono::microseconds cost) {
  using Pause = std::chrono::milliseconds;
  return std::clamp(kIdleShare * std::chrono::ceil<Pause>(cost), kOften, kSeldom);
}

bool essential(const Operation& operation) {
  return std::visit(Essential{}, operation);
}

Passes::Passes(boost::asio::io_context& context, Kernel& kernel, std::chrono::seconds resync,
               Hooks hooks)
    : kernel_(kernel), resync_(resync), hooks_(std::move(hooks)), timer_(context) {}

void Passes::request(std::chrono::milliseconds within) {
  schedule(within);
}

void Passes::begin() {
  run_and_note();
}

// The earliest request applies.
void Passes::schedule(std::chrono::milliseconds delay) {
  const auto due = std::chrono::steady_clock::now() + delay;
  if (due_ && *due_ <= due) return;
  due_ = due;
  timer_.expires_at(due);
  timer_.async_wait([this](boost::system::error_code stopped) {
    if (stopped) return;
    due_.reset();
    run_and_note();
  });
}

void Passes::run_and_note() {
  const auto before = processor_time();
  try {
    const HeldHeap held;
    run();
  } catch (const std::bad_alloc&) {
    failed("out of memory; what is programmed keeps running");
  } catch (const std::exception& error) {
    failed(error.what());
  }
  const bool undone = !outcome_.failure.empty() || !outcome_.refusals.empty();
  failures_ = undone ? failures_ + 1 : 0;
  const auto retry = std::min(kLongestRetry, kFirstRetry * (1U << std::min(failures_, 6U)) / 2);
  const auto idle = resync_ > 0s ? resync_ : pause_of_idle(processor_time() - before);
  schedule(undone ? retry : idle);
  hooks_.after();
}

std::optional<Inputs> Passes::gather() {
  auto inputs = hooks_.gather();
  if (inputs) inputs->held = held_by(outcome_.refusals);
  return inputs;
}

std::vector<Refusal> Passes::run() {
  for (int i = 0; i < kMostSteps && step(); ++i) {
  }
  return outcome_.refusals;
}

bool Passes::step() {
  Stopwatch watch;
  auto actual = kernel_.dump();
  outcome_.times.dump += watch.lap();
  auto inputs = gather();
  if (!inputs) {
    keep(actual);
    return false;
  }
  Desired desired = with_programmed(actual, *inputs, [this](Inputs& whole) {
    return hooks_.prepare ? hooks_.prepare(whole) : compute(whole);
  });
  outcome_.times.compute += watch.lap();
  Pass pass = reconcile(kernel_, actual, desired.state, scope(desired));
  outcome_.times.apply += watch.lap();
  note_repair(pass, actual);
  const bool more = (desired.cluster.waiting && !pass.quiet() && pass.refusals.empty()) ||
                    held_by(pass.refusals) != inputs->held;
  outcome_.inputs = std::move(*inputs);
  record(std::move(desired), std::move(pass));
  return more;
}

void Passes::keep(const KernelState& actual) {
  Pass pass = reconcile(kernel_, actual, kept(actual), Scope::everything);
  note(pass);
  outcome_.refusals = std::move(pass.refusals);
}

void Passes::note_repair(const Pass& pass, const KernelState& actual) {
  if (!outcome_.settled || pass.quiet()) return;
  const auto repaired = repair(pass.plan, outcome_.desired.state, actual);
  if (repaired) outcome_.repairs.note(*repaired, std::chrono::steady_clock::now());
}

void Passes::peer_changed(const std::string& name, const std::optional<Node>& now) {
  const bool pass_is_near = due_ && *due_ <= std::chrono::steady_clock::now() + kAtOnce;
  if (pass_is_near || !outcome_.settled) return request();
  try {
    if (!change_peer(name, now)) request();
  } catch (const std::exception&) {  // a pass meets the same error and reports it
    outcome_.settled = false;
    request();
  }
}

bool Passes::change_peer(const std::string& name, const std::optional<Node>& now) {
  Stopwatch watch;
  if (now)
    outcome_.inputs.next_hops.merge(kernel_.next_hops(next_hop_questions(outcome_.inputs, *now)));
  const auto change = peer_change(outcome_.inputs, outcome_.desired, name, now);
  if (!change || hooks_.scope() != Scope::everything) return false;
  Pass pass{.plan = plan(change->after.state, change->before.state), .refusals = {}};
  if (hooks_.permit && !hooks_.permit(pass.plan)) return false;
  outcome_.times.compute += watch.lap();
  if (!pass.quiet()) pass.refusals = kernel_.apply(pass.plan);
  outcome_.times.apply += watch.lap();
  log_pass(pass, {});
  if (!pass.refusals.empty()) {
    if (hooks_.refused) hooks_.refused(pass.refusals);
    outcome_.settled = false;
    return false;
  }
  if (!pass.quiet()) outcome_.last_change = Clock::now();
  ++outcome_.peer_changes;
  take_over(*change, outcome_.inputs, outcome_.desired);
  request(change->urgent ? kAtOnce : kSoon);
  return true;
}

Plan Passes::preview() {
  auto actual = kernel_.dump();
  auto inputs = gather();
  if (!inputs) return plan(kept(actual), actual);
  // A refusal ends a pass after its first step, and what was refused will be refused again.
  return pellicle::preview(
      std::move(actual), std::move(*inputs), hooks_.foresee ? hooks_.foresee() : compute,
      [this](const Desired& desired) { return scope(desired); }, !outcome_.refusals.empty());
}

// Never remove a working object because an input is missing.
Scope Passes::scope(const Desired& desired) const {
  return knows_the_node(desired.state) && !desired.cluster.incomplete ? hooks_.scope()
                                                                      : Scope::additions;
}

void Passes::note(const Pass& pass) {
  log_pass(pass, outcome_.refusals);
  const auto now = Clock::now();
  if (pass.plan.size() > pass.refusals.size()) outcome_.last_change = now;
  if (!pass.refusals.empty() && outcome_.refusals.empty()) outcome_.failing_since = now;
  if (!outcome_.failure.empty()) log::info("passes succeed again");
  outcome_.failure.clear();
}

void Passes::record(Desired desired, Pass pass) {
  note(pass);
  if (!pass.refusals.empty() && hooks_.refused) hooks_.refused(pass.refusals);
  ++outcome_.passes;
  log::debug("pass made", {{"changes", pass.plan.size()},
                           {"refused", pass.refusals.size()},
                           {"problems", desired.problems.size()}});
  outcome_.refusals = std::move(pass.refusals);
  outcome_.complete = knows_the_node(desired.state);
  outcome_.settled = outcome_.refusals.empty() && scope(desired) == Scope::everything;
  outcome_.desired = std::move(desired);
  outcome_.ready = outcome_.complete &&
                   std::none_of(outcome_.refusals.begin(), outcome_.refusals.end(),
                                [](const Refusal& each) { return essential(each.operation); });
}

void Passes::failed(const std::string& sentence) {
  if (outcome_.failure != sentence) log::error("pass failed", {{"error", sentence}});
  if (outcome_.failure.empty() && outcome_.refusals.empty()) outcome_.failing_since = Clock::now();
  outcome_.failure = sentence;
  outcome_.settled = false;
}

}  // namespace pellicle
