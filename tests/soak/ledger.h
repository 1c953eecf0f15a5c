// What is being done to the cluster and which packets that may cost; what was found to be wrong.
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace pellicle::soak {

using Time = std::chrono::steady_clock::time_point;

// How long anything may take that takes seconds where a guest has a processor to itself: others may
// leave it a tenth of one.
inline constexpr std::chrono::duration<double> kPatience{180};

// Threads may share one.
class Ledger {
 public:
  // Times in sentences count from `begin`; every finding is printed as it is made.
  explicit Ledger(Time begin) : begin_(begin) {}

  // Until close(), packets from or to a pod of this node may be lost.
  void open(const std::string& node, const std::string& why, Time now);
  void close(Time now);

  // Why a packet between pods of these nodes may be lost that was sent then; none: nothing explains
  // it. Packets are under way for a moment: one that was sent just before counts as well.
  std::optional<std::string> explanation(const std::string& from, const std::string& to,
                                         Time sent) const;
  // The same for what a node's agent said; a time of whole seconds.
  std::optional<std::string> explanation(const std::string& node, Time said) const;

  // What is being done; a finding names it.
  void doing(const std::string& what);

  // One sentence that says what was wrong.
  void found(const std::string& sentence);
  std::vector<std::string> findings() const;

  double seconds(Time at) const;  // since the beginning

 private:
  struct Window {
    std::string node;
    std::string why;
    Time from;
    std::optional<Time> to;
  };
  mutable std::mutex mutex_;
  Time begin_;
  std::vector<Window> windows_;  // in the order of their beginnings
  std::string doing_;
  std::vector<std::string> findings_;
};

}  // namespace pellicle::soak
