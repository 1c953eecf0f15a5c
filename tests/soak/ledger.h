// Records what is done to the cluster, which packets it may cost, and what was found wrong.
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace pellicle::soak {

using Time = std::chrono::steady_clock::time_point;

// Limit for everything that takes seconds where the guest has a processor to itself: other load may
// leave it a tenth of one.
inline constexpr std::chrono::duration<double> kPatience{180};

// Thread-safe.
class Ledger {
 public:
  // Times in sentences count from `begin`. Prints every finding at once.
  explicit Ledger(Time begin) : begin_(begin) {}

  // Until close(), packets from or to a pod of this node may be lost.
  void open(const std::string& node, const std::string& why, Time now);
  void close(Time now);

  // Why a packet between pods of these nodes, sent at `sent`, may be lost; nullopt: nothing
  // explains it. A packet sent shortly before a window counts too: it was still in flight.
  std::optional<std::string> explanation(const std::string& from, const std::string& to,
                                         Time sent) const;
  // The same for a log line of a node's agent; `said` has whole seconds.
  std::optional<std::string> explanation(const std::string& node, Time said) const;

  // Names the current activity; findings print it.
  void doing(const std::string& what);

  // Adds a finding: one sentence that says what was wrong.
  void found(const std::string& sentence);
  std::vector<std::string> findings() const;

  double seconds(Time at) const;  // since `begin`

 private:
  struct Window {
    std::string node;
    std::string why;
    Time from;
    std::optional<Time> to;
  };
  mutable std::mutex mutex_;
  Time begin_;
  std::vector<Window> windows_;  // in the order in which they opened
  std::string doing_;
  std::vector<std::string> findings_;
};

}  // namespace pellicle::soak
