// The paths to peers that are narrower than the uplink, as routers say, and for how long that is
// believed.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "agent/model/kernel_state.h"
#include "agent/model/path.h"

namespace pellicle {

// One JSON file in the state directory, so that a restart does not send packets that are too big
// again. It lives as long as the kernel's states do: both end with the boot.
class NarrowPaths {
 public:
  using Clock = std::chrono::steady_clock;
  // After that long the whole MTU is tried again, as the kernel does (net.ipv4.route.mtu_expires)
  // and RFC 1191 advises.
  static constexpr std::chrono::minutes kBelieved{10};
  // Less than that is not believed: net.ipv4.route.min_pmtu's default, and IPv6's least MTU.
  static constexpr uint32_t kLeast4 = 552;
  static constexpr uint32_t kLeast6 = 1280;

  // Reads `state_dir`/paths.json; one that cannot be read counts as lost.
  explicit NarrowPaths(const std::string& state_dir);

  // Takes over what is news: about a state that sends, and narrower than what is known. False:
  // nothing was. Throws std::system_error when the file cannot be written; it is known all the
  // same.
  bool hear(const std::vector<PathReport>& reports, const Table<State>& states,
            Clock::time_point now);

  PathMtus at(Clock::time_point now) const;  // those that are believed
  // When the first of them is not any more.
  std::optional<Clock::time_point> ends(Clock::time_point now) const;

 private:
  bool is_news(const PathReport& report, const Table<State>& states, Clock::time_point now) const;
  void save() const;

  std::string path_;
  PathMtus known_;
};

}  // namespace pellicle
