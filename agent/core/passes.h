// When passes run, and what they cost.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "agent/clock.h"
#include "agent/core/core.h"
#include "agent/core/repairs.h"

namespace pellicle {

// Seconds spent, summed over all passes since the start.
struct PassTimes {
  double dump = 0;     // reading the kernel
  double compute = 0;  // computing the desired state and the difference
  double apply = 0;    // writing the difference
};

struct PassReport {
  std::string failure;                    // why no pass could run: one sentence; empty: it ran
  WallClock::time_point failing_since{};  // since when there are refusals or a failure
  WallClock::time_point last_change{};    // last time a pass changed something in the kernel
  uint64_t passes = 0;
  uint64_t peer_changes = 0;  // changes applied without a full pass at once
  PassTimes times;
  Repairs repairs;  // changes of objects that the last pass had left correct
};

// Runs a pass for each event; events within a moment share one. Retries what the kernel refused
// with growing pauses (1 s to 30 s). Compares everything with the kernel every `resync`, to find
// changes without a notification.
class Passes {
 public:
  // `resync` 0: pauses as pause_of_idle() returns them. `after` is called after each pass, failed
  // ones included.
  Passes(boost::asio::io_context& context, Kernel& kernel, Core& core, std::chrono::seconds resync,
         std::function<void()> after);

  // Asks for a pass within that time; see PassPace.
  static constexpr std::chrono::milliseconds kAtOnce{20};  // one event often comes with others
  static constexpr std::chrono::milliseconds kSoon{1000};
  void request(std::chrono::milliseconds within = kAtOnce);

  // A Node other than this one changed to `now`; nullopt: it was deleted. When the change concerns
  // that peer only (see peer_change.h) and the last pass left nothing undone, applies it at once
  // without a kernel dump, and a full pass follows soon. Otherwise a full pass runs at once.
  void peer_changed(const std::string& name, const std::optional<Node>& now);

  void run();    // at once; throws what the kernel throws
  void begin();  // runs one at once, catching errors, and schedules the next
  const PassReport& report() const { return report_; }

 private:
  void run_and_note();
  bool step();
  bool change_peer(const std::string& name, const std::optional<Node>& now);
  void note_repair(const Step& step, const KernelState& actual);
  void note(const Step& step, const std::vector<Refusal>& refusals);
  void failed(const std::string& sentence);
  void schedule(std::chrono::milliseconds delay);

  Kernel& kernel_;
  Core& core_;
  std::chrono::seconds resync_;
  std::function<void()> after_;
  boost::asio::steady_timer timer_;
  std::optional<SteadyClock::time_point> due_;
  unsigned failures_ = 0;  // consecutive passes that left something undone
  PassReport report_;
};

// Pause between a pass that left nothing undone, and cost that much processor time, and the next
// comparison: 30 s (up to some hundred peers) to 300 s. An idle agent so spends a thousandth of a
// core on comparing.
std::chrono::milliseconds pause_of_idle(std::chrono::microseconds cost);

}  // namespace pellicle
