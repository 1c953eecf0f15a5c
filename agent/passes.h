// When passes are made, and what the last one came to.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/desired/peer_change.h"
#include "agent/reconcile/reconciler.h"
#include "agent/repairs.h"

namespace pellicle {

using Clock = std::chrono::system_clock;

// Of all passes since the start, in seconds: what they took.
struct PassTimes {
  double dump = 0;     // reading the kernel
  double compute = 0;  // what is desired
  double apply = 0;    // the difference, and writing it
};

struct PassOutcome {
  Inputs inputs;                      // without what was programmed
  Desired desired;                    // of them
  std::vector<Refusal> refusals;      // what the kernel would not take
  std::string failure;                // the pass could not be made at all: one sentence
  Clock::time_point failing_since{};  // of refusals or failure
  Clock::time_point last_change{};    // something was changed in the kernel
  uint64_t passes = 0;
  uint64_t peer_changes = 0;  // that needed no pass at once
  PassTimes times;
  Repairs repairs;        // of what a pass had left as it should be
  bool complete = false;  // the node itself is known, so `desired` is more than the block policy
  bool settled = false;   // the kernel was brought to `desired`, no more and no less
  bool ready = false;     // complete, and the kernel took everything the whole node depends on
};

// Events ask for a pass; several within a moment get one. What the kernel refused is tried again
// with growing pauses (1 s to 30 s), and everything is compared with the kernel every `resync`, for
// what sends no notification.
class Passes {
 public:
  struct Hooks {
    // Without what is programmed. No value: nothing may be concluded yet, and a pass only puts
    // right what needs no knowledge.
    std::function<std::optional<Inputs>()> gather;
    // Of the whole inputs: fills in the sender, and computes; compute() alone where this is empty.
    std::function<Desired(Inputs&)> prepare;
    // False: what the plan makes of the last pass's inputs must not be made.
    std::function<bool(const Plan&)> permit;
    std::function<void(const std::vector<Refusal>&)> refused;  // after each change of the kernel
    std::function<Scope()> scope;                              // of a complete pass
    std::function<void()> after;                               // each pass, made or failed
  };

  // `resync` 0: as pause_of_idle() has it.
  Passes(boost::asio::io_context& context, Kernel& kernel, std::chrono::seconds resync,
         Hooks hooks);

  // One within that time; see PassPace.
  static constexpr std::chrono::milliseconds kAtOnce{20};  // one event is often followed by more
  static constexpr std::chrono::milliseconds kSoon{1000};
  void request(std::chrono::milliseconds within = kAtOnce);

  // Another Node is this now; none: it was deleted. What that changes is done at once, without a
  // look at the kernel, where it is the peer's alone (see peer_change.h) and nothing was left
  // undone; a pass that looks at everything follows soon. Else one does at once.
  void peer_changed(const std::string& name, const std::optional<Node>& now);

  std::vector<Refusal> run();  // now; throws what the kernel throws
  void begin();                // one now, whatever it comes to, and the next as it asks
  Plan preview();              // what a pass would do now
  const PassOutcome& last() const { return outcome_; }

 private:
  void run_and_note();
  std::optional<Inputs> gather();
  bool step();
  void keep(const KernelState& actual);
  bool change_peer(const std::string& name, const std::optional<Node>& now);
  void note_repair(const Pass& pass, const KernelState& actual);
  void note(const Pass& pass);
  void record(Desired desired, Pass pass);
  void failed(const std::string& sentence);
  void schedule(std::chrono::milliseconds delay);
  Scope scope(const Desired& desired) const;

  Kernel& kernel_;
  std::chrono::seconds resync_;
  Hooks hooks_;
  boost::asio::steady_timer timer_;
  std::optional<std::chrono::steady_clock::time_point> due_;
  unsigned failures_ = 0;  // passes in a row that left something undone
  PassOutcome outcome_;
};

// From a pass that cost so much processor time and left nothing undone to the next comparison: a
// thousandth of a core is spent on comparing when nothing happens, every 30 s (up to some hundred
// peers) to every 300 s.
std::chrono::milliseconds pause_of_idle(std::chrono::microseconds cost);

// Must the whole node do without encryption when the kernel refuses this? Not so for what concerns
// one peer or one pod.
bool essential(const Operation& operation);

}  // namespace pellicle
