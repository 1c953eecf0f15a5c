// Events about Nodes: what `kubectl describe node` shows.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "agent/kube/client.h"

namespace pellicle {

struct NodeEvent {
  std::string node;
  std::string uid;      // metadata.uid; empty: the Node's name is used, as in kubelet's Events
  std::string reason;   // CamelCase and stable: people search and alert by it
  std::string message;  // cause and remedy; cut at kLongestMessage
  bool warning = true;  // false: type Normal
  auto operator<=>(const NodeEvent&) const = default;
};

// Limit in bytes of the API in events.k8s.io/v1 (NoteLengthLimit of Kubernetes 1.36).
inline constexpr size_t kLongestMessage = 1024;

// Rate limits of an Event source.
struct EventManners {
  std::chrono::minutes again{10};   // until the same event is posted again while it persists
  std::chrono::seconds similar{0};  // until another message with the same reason on the same Node
  std::chrono::seconds refill{5};  // for all events: a burst of kEventBurst, then one per this time
  bool tells_end = false;          // posts a Normal Event with the reason kSolved at the end
  std::chrono::seconds retry{60};  // until an event that got no answer is posted again
};
inline constexpr unsigned kEventBurst = 25;  // as client-go's spam filter
inline constexpr const char* kSolved = "Solved";

// Selects which of the current events to post now. Pure.
class EventFilter {
 public:
  using Instant = std::chrono::steady_clock::time_point;
  explicit EventFilter(EventManners manners = {}) : manners_(manners) {}

  // Forgets events that ended, and reports their end when tells_end is set.
  std::vector<NodeEvent> due(const std::vector<NodeEvent>& standing, Instant now);

  // Posting failed: the event is due again after EventManners::retry, if it still persists.
  void failed(const NodeEvent& event, Instant now);

 private:
  using Subject = std::pair<std::string, std::string>;  // node and reason
  void forget(const std::vector<NodeEvent>& standing, Instant now);
  bool take_token();

  EventManners manners_;
  std::map<NodeEvent, Instant> silent_until_;        // posted and current
  std::map<Subject, Instant> similar_silent_until_;  // by the last one posted
  std::map<Subject, NodeEvent> ended_;               // to be posted
  double tokens_ = kEventBurst;
  Instant filled_;
};

// A POST that creates a new Event, in the namespace `default`, where Events of Nodes belong.
// `component` and `host` name the reporter; `serial` makes the name unique.
Request event_request(const NodeEvent& event, const std::string& component, const std::string& host,
                      const std::string& now, uint64_t serial);

// Posts events, one asynchronous request each. An event that gets no answer or a temporary refusal
// is posted again later. A permanently refused event is dropped: the log has it as well.
class EventPoster {
 public:
  struct Options {
    std::string component;  // "pellicle-agent"
    std::string host;       // where it runs
    EventManners manners = {};
    std::function<void(const std::string& sentence)> on_trouble = {};  // once per sentence
  };
  EventPoster(ApiClient& client, uint64_t seed, Options options)
      : client_(client), serial_(seed), options_(std::move(options)), filter_(options_.manners) {}

  // `standing`: all current events. Repeated calls with the same events are harmless.
  void post(const std::vector<NodeEvent>& standing);

 private:
  void answered(uint64_t serial, const NodeEvent& event, const Response& response);

  ApiClient& client_;
  uint64_t serial_;
  Options options_;
  EventFilter filter_;
  std::map<uint64_t, Call> calls_;
  std::string trouble_;
};

}  // namespace pellicle
