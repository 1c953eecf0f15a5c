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
  std::string uid;      // metadata.uid; empty: the Node's name stands there, as in kubelet's Events
  std::string reason;   // CamelCase and stable: people search and alert by it
  std::string message;  // cause and remedy; cut at kLongestMessage
  bool warning = true;  // else of type Normal
  auto operator<=>(const NodeEvent&) const = default;
};

// What the API takes in events.k8s.io/v1 (NoteLengthLimit of Kubernetes 1.36), bytes.
inline constexpr size_t kLongestMessage = 1024;

// How often who speaks.
struct EventManners {
  std::chrono::minutes again{10};   // until the same one is told again while it stands
  std::chrono::seconds similar{0};  // until another message with the same reason on the same Node
  std::chrono::seconds refill{5};   // all together: a burst of kEventBurst, then one in this time
  bool tells_end = false;           // with a Normal Event of the reason kSolved
  std::chrono::seconds retry{60};   // until one that the API did not answer is posted again
};
inline constexpr unsigned kEventBurst = 25;  // as client-go's spam filter
inline constexpr const char* kSolved = "Solved";

// Which of the events that stand are to be posted now. Pure.
class EventFilter {
 public:
  using Instant = std::chrono::steady_clock::time_point;
  explicit EventFilter(EventManners manners = {}) : manners_(manners) {}

  // Those that no longer stand are forgotten, and told to have ended if that is wanted.
  std::vector<NodeEvent> due(const std::vector<NodeEvent>& standing, Instant now);

  // It was not posted: due again after a while, if it still stands.
  void failed(const NodeEvent& event, Instant now);

 private:
  using Subject = std::pair<std::string, std::string>;  // node and reason
  void forget(const std::vector<NodeEvent>& standing, Instant now);
  bool take_token();

  EventManners manners_;
  std::map<NodeEvent, Instant> silent_until_;        // told and standing
  std::map<Subject, Instant> similar_silent_until_;  // by the last one told
  std::map<Subject, NodeEvent> ended_;               // to be told
  double tokens_ = kEventBurst;
  Instant filled_;
};

// A POST of an Event of its own each time, in the namespace `default`, where those of Nodes belong.
// `component` and `host` say who speaks; `serial` makes the name unique.
Request event_request(const NodeEvent& event, const std::string& component, const std::string& host,
                      const std::string& now, uint64_t serial);

// Posts them, one request each and nobody waits for it. One that the API does not answer, or
// refuses for the moment, is posted again later; one that it refuses for good is lost: the log has
// the same thing.
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

  // All that stand now; may be told the same as often as convenient.
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
