#include "agent/core/passes.h"

#include <algorithm>
#include <ctime>
#include <new>

#include "agent/heap.h"
#include "agent/log.h"

namespace pellicle {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kFirstRetry = 1s;
constexpr std::chrono::milliseconds kLongestRetry = 30s;
constexpr int kIdleShare = 1000;  // denominator of the share of a core spent on idle comparisons
constexpr std::chrono::milliseconds kOften = 30s;
constexpr std::chrono::milliseconds kSeldom = 300s;

bool same(const Refusal& a, const Refusal& b) {
  return a.operation == b.operation && a.error == b.error;
}

// Each operation of a small plan is a line. A larger one, as at a start or in a rotation, is one
// line with its operations at level debug.
void log_changes(const Plan& plan, const std::vector<Refusal>& refusals,
                 const std::vector<Refusal>& before) {
  constexpr size_t kSmall = 100;
  const bool small = plan.size() <= kSmall;
  if (!small) {
    log::info("kernel changed",
              {{"operations", plan.size() - refusals.size()}, {"refused", refusals.size()}});
  }
  for (const auto& operation : plan) {
    if (!small && log::level() != "debug") break;
    const auto refused = [&](const Refusal& refusal) { return refusal.operation == operation; };
    if (std::any_of(refusals.begin(), refusals.end(), refused)) continue;
    (small ? log::info : log::debug)("kernel changed", {{"operation", describe(operation)}});
  }
  for (const auto& refusal : refusals) {
    const auto said = [&](const Refusal& other) { return same(refusal, other); };
    if (std::any_of(before.begin(), before.end(), said)) continue;
    log::error("kernel refused",
               {{"operation", describe(refusal.operation)}, {"error", refusal.sentence}});
  }
}

class Stopwatch {
 public:
  double lap() {  // seconds since the previous one
    const auto now = SteadyClock::now();
    return std::chrono::duration<double>(now - std::exchange(since_, now)).count();
  }

 private:
  SteadyClock::time_point since_ = SteadyClock::now();
};

std::chrono::microseconds processor_time() {
  return std::chrono::microseconds(int64_t{std::clock()} * 1'000'000 / CLOCKS_PER_SEC);
}

std::chrono::milliseconds until(SteadyClock::time_point due) {
  return std::chrono::ceil<std::chrono::milliseconds>(due - SteadyClock::now());
}

}  // namespace

std::chrono::milliseconds pause_of_idle(std::chrono::microseconds cost) {
  using Pause = std::chrono::milliseconds;
  return std::clamp(kIdleShare * std::chrono::ceil<Pause>(cost), kOften, kSeldom);
}

Passes::Passes(boost::asio::io_context& context, Kernel& kernel, Core& core,
               std::chrono::seconds resync, std::function<void()> after)
    : kernel_(kernel), core_(core), resync_(resync), after_(std::move(after)), timer_(context) {}

void Passes::request(std::chrono::milliseconds within) {
  schedule(within);
}

void Passes::begin() {
  run_and_note();
}

// The earliest request applies.
void Passes::schedule(std::chrono::milliseconds delay) {
  const auto due = SteadyClock::now() + delay;
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
  const bool undone = !report_.failure.empty() || !core_.last().refusals.empty();
  failures_ = undone ? failures_ + 1 : 0;
  const auto retry = std::min(kLongestRetry, kFirstRetry * (1U << std::min(failures_, 6U)) / 2);
  const auto idle = resync_ > 0s ? resync_ : pause_of_idle(processor_time() - before);
  schedule(undone ? retry : idle);
  // A pass that fails does not learn that what was due is done.
  const auto soonest = undone ? kFirstRetry : 1ms;
  if (const auto due = core_.due()) schedule(std::max(until(*due), soonest));
  after_();
}

void Passes::run() {
  for (int i = 0; i < kMostSteps && step(); ++i) {
  }
}

bool Passes::step() {
  Stopwatch watch;
  auto actual = kernel_.dump();
  report_.times.dump += watch.lap();
  auto step = core_.next(actual);
  report_.times.compute += watch.lap();
  auto refusals = step.plan.empty() ? std::vector<Refusal>{} : core_.apply(step.plan);
  report_.times.apply += watch.lap();
  if (step.inputs) {
    note_repair(step, actual);
    ++report_.passes;
  }
  note(step, refusals);
  return core_.took(std::move(step), std::move(refusals));
}

void Passes::note_repair(const Step& step, const KernelState& actual) {
  if (!core_.last().settled || step.plan.empty()) return;
  const auto repaired = repair(step.plan, core_.last().desired.state, actual);
  if (repaired) report_.repairs.note(*repaired, SteadyClock::now());
}

void Passes::peer_changed(const std::string& name, const std::optional<Node>& now) {
  const bool pass_is_near = due_ && *due_ <= SteadyClock::now() + kAtOnce;
  try {
    if (pass_is_near || !change_peer(name, now)) request();
  } catch (const std::exception&) {  // a pass meets the same error and reports it
    core_.doubt();
    request();
  }
}

bool Passes::change_peer(const std::string& name, const std::optional<Node>& now) {
  Stopwatch watch;
  const auto step = core_.next_of_peer(name, now);
  if (!step) return false;
  report_.times.compute += watch.lap();
  const auto refusals = step->plan.empty() ? std::vector<Refusal>{} : core_.apply(step->plan);
  report_.times.apply += watch.lap();
  log_changes(step->plan, refusals, {});
  if (!core_.took(*step, refusals)) return false;
  if (!step->plan.empty()) report_.last_change = WallClock::now();
  ++report_.peer_changes;
  request(step->change.urgent ? kAtOnce : kSoon);
  return true;
}

void Passes::note(const Step& step, const std::vector<Refusal>& refusals) {
  const auto& before = core_.last().refusals;
  log_changes(step.plan, refusals, before);
  const auto now = WallClock::now();
  if (step.plan.size() > refusals.size()) report_.last_change = now;
  if (!refusals.empty() && before.empty()) report_.failing_since = now;
  if (!report_.failure.empty()) log::info("passes succeed again");
  report_.failure.clear();
  log::debug("pass made", {{"changes", step.plan.size()},
                           {"refused", refusals.size()},
                           {"problems", step.desired.problems.size()}});
}

void Passes::failed(const std::string& sentence) {
  if (report_.failure != sentence) log::error("pass failed", {{"error", sentence}});
  if (report_.failure.empty() && core_.last().refusals.empty()) {
    report_.failing_since = WallClock::now();
  }
  report_.failure = sentence;
  core_.doubt();
}

}  // namespace pellicle
