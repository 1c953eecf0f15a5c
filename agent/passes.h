// When passes run, and the outcome of the last one.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/desired/peer_change.h"
#include "agent/pass_preview.h"
#include "agent/reconcile/reconciler.h"
#include "agent/repairs.h"

namespace pellicle {

using Clock = std::chrono::system_clock;

// Seconds spent, summed over all passes since the start.
struct PassTimes {
  double dump = 0;     // reading the kernel
  double compute = 0;  // computing the desired state
  double apply = 0;    // computing the difference and writing it
};

struct PassOutcome {
  Inputs inputs;                      // `programmed` is empty
  Desired desired;                    // computed from `inputs`
  std::vector<Refusal> refusals;      // what the kernel refused
  std::string failure;                // why no pass could run: one sentence; empty: it ran
  Clock::time_point failing_since{};  // since when there are refusals or a failure
  Clock::time_point last_change{};    // last time a pass changed something in the kernel
  uint64_t passes = 0;
  uint64_t peer_changes = 0;  // changes applied without a full pass at once
  PassTimes times;
  Repairs repairs;        // changes of objects that the last pass had left correct
  bool complete = false;  // the node itself is known, so `desired` is more than the block policy
  bool settled = false;   // the kernel holds exactly `desired`
  bool ready = false;     // complete, and the kernel took everything that the whole node depends on
};

// Runs a pass for each event; events within a moment share one. Retries what the kernel refused
// with growing pauses (1 s to 30 s). Compares everything with the kernel every `resync`, to find
// changes without a notification.
class Passes {
 public:
  struct Hooks {
    // Leaves `programmed` empty. nullopt: the inputs are not complete yet, and a pass only repairs
    // what needs none of them.
    std::function<std::optional<Inputs>()> gather;
    // Gets complete inputs, fills in the sender and computes the desired state. Empty: compute() is
    // called instead.
    std::function<Desired(Inputs&)> prepare;
    // For one preview: computes what prepare() would, and changes nothing. Empty: compute().
    std::function<Conclude()> foresee;
    // Gets a plan for the last pass's inputs. False: the plan must not be applied.
    std::function<bool(const Plan&)> permit;
    std::function<void(const std::vector<Refusal>&)> refused;  // after each change of the kernel
    std::function<Scope()> scope;                              // of a complete pass
    std::function<void()> after;                               // each pass, failed ones included
  };

  // `resync` 0: pauses as pause_of_idle() returns them.
  Passes(boost::asio::io_context& context, Kernel& kernel, std::chrono::seconds resync,
         Hooks hooks);

  // Asks for a pass within that time; see PassPace.
  static constexpr std::chrono::milliseconds kAtOnce{20};  // one event often comes with others
  static constexpr std::chrono::milliseconds kSoon{1000};
  void request(std::chrono::milliseconds within = kAtOnce);

  // A Node other than this one changed to `now`; nullopt: it was deleted. When the change concerns
  // that peer only (see peer_change.h) and the last pass left nothing undone, applies it at once
  // without a kernel dump, and a full pass follows soon. Otherwise a full pass runs at once.
  void peer_changed(const std::string& name, const std::optional<Node>& now);

  std::vector<Refusal> run();  // at once; throws what the kernel throws
  void begin();                // runs one at once, catching errors, and schedules the next
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
  unsigned failures_ = 0;  // consecutive passes that left something undone
  PassOutcome outcome_;
};

// Pause between a pass that left nothing undone, and cost that much processor time, and the next
// comparison: 30 s (up to some hundred peers) to 300 s. An idle agent so spends a thousandth of a
// core on comparing.
std::chrono::milliseconds pause_of_idle(std::chrono::microseconds cost);

// True when the whole node lacks encryption if the kernel refuses the operation. False for
// operations that concern one peer or one pod.
bool essential(const Operation& operation);

}  // namespace pellicle
