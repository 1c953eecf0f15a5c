// Path MTUs to peers below the uplink's MTU, as reported by routers, and how long the agent
// believes them.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "agent/model/kernel_state.h"
#include "agent/model/path.h"

namespace pellicle {

// Kept in one JSON file in the state directory, so that a restarted agent does not send too large
// packets again. The file lives as long as the kernel's states: both end at reboot.
class NarrowPaths {
 public:
  using Clock = std::chrono::steady_clock;
  // After this time packets use the whole MTU again, as the kernel does
  // (net.ipv4.route.mtu_expires) and RFC 1191 advises.
  static constexpr std::chrono::minutes kBelieved{10};
  // Smaller values are ignored: the default of net.ipv4.route.min_pmtu, and IPv6's minimum MTU.
  static constexpr uint32_t kLeast4 = 552;
  static constexpr uint32_t kLeast6 = 1280;

  // Reads `state_dir`/paths.json. An unreadable file counts as empty.
  explicit NarrowPaths(const std::string& state_dir);

  // Records each report that names a sending state and a smaller MTU than known. Returns false when
  // no report is new. Throws std::system_error when the file cannot be written; the reports stay
  // recorded in memory.
  bool hear(const std::vector<PathReport>& reports, const Table<State>& states,
            Clock::time_point now);

  PathMtus at(Clock::time_point now) const;  // those not expired at `now`
  // When the first of at(now) expires.
  std::optional<Clock::time_point> ends(Clock::time_point now) const;

 private:
  bool is_news(const PathReport& report, const Table<State>& states, Clock::time_point now) const;
  void save() const;

  std::string path_;
  PathMtus known_;
};

}  // namespace pellicle
