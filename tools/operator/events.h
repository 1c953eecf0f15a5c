// Events on Nodes: what `kubectl describe node` shows of a Node that cannot be served.
#pragma once

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/kube/client.h"
#include "tools/operator/allocator.h"

namespace pellicle {

// Which findings become an Event now. Pure. As client-go's spam filter and kubectl's habits have
// it: the same one again after ten minutes at the earliest, and all together a burst of 25 and then
// one every five seconds.
class EventFilter {
 public:
  using Instant = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::minutes kAgain{10};
  static constexpr unsigned kBurst = 25;
  static constexpr std::chrono::seconds kRefill{5};

  // Findings that no longer stand are forgotten.
  std::vector<Finding> due(const std::vector<Finding>& findings, Instant now);

 private:
  std::map<Finding, Instant> told_;
  double tokens_ = kBurst;
  Instant filled_;
};

// An Event of its own each time, in the namespace `default`, where those of Nodes belong.
// `serial` makes the name unique.
Request event_request(const Finding& finding, const std::string& host, const std::string& now,
                      uint64_t serial);

// Posts them; one that the API does not take is lost, and the log has the finding anyway.
class EventPoster {
 public:
  EventPoster(ApiClient& client, std::string host, uint64_t seed)
      : client_(client), host_(std::move(host)), serial_(seed) {}
  void post(const std::vector<Finding>& findings);

 private:
  ApiClient& client_;
  std::string host_;
  uint64_t serial_;
  EventFilter filter_;
  std::map<uint64_t, Call> calls_;
  std::string trouble_;
};

}  // namespace pellicle
