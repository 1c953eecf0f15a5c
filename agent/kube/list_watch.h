// The list-watch protocol as a pure step: (state, event) -> (state, actions). No I/O and no clock;
// watcher.h carries the actions out and brings the events.
//
//   idle --> listing --> watching --> ...
//              ^  |         |  ^
//              |  v         v  |
//              waiting (backoff), then list again or watch again
//
// Invariants: objects are handed over as one complete set after every LIST (nothing is known to be
// gone before); a watch starts from the version of the last list, bookmark or frame, and versions
// are never compared; after a version was lost (410, garbage) the next thing is a LIST. The list is
// the server's word, also where it is older than what a watch has told: etcd may have been
// restored.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/kube/api_json.h"
#include "agent/kube/http.h"

namespace pellicle {

using WallTime = std::chrono::system_clock::time_point;

// What is listed and watched.
struct Resource {
  std::string title;                // begins every sentence: "nodes"
  std::string path;                 // "/api/v1/nodes"
  std::string field_selector;       // "metadata.name=cilium-ipsec-keys", or empty
  std::string label_selector = {};  // "app.kubernetes.io/name=pellicle-agent", or empty
  bool operator==(const Resource&) const = default;
};

// How fast failures are repeated. Tests go faster.
struct Pace {
  std::chrono::milliseconds first_backoff{800};       // as client-go's reflector
  std::chrono::milliseconds longest_backoff{30'000};  // as client-go's reflector
  std::chrono::milliseconds quick_end{5'000};         // a shorter watch counts as a failure
  bool operator==(const Pace&) const = default;
};

inline constexpr int kPageSize = 500;  // as client-go's pager

struct ListWatch {
  enum class Phase : uint8_t { idle, listing, watching, waiting };
  struct Trouble {
    std::string sentence;
    WallTime since;
    bool operator==(const Trouble&) const = default;
  };
  Resource resource;
  uint64_t seed = 0;  // of jitter and watch lengths; differs from agent to agent
  Pace pace;
  Phase phase = Phase::idle;
  std::string resource_version;    // to watch from; empty: list first
  std::string continue_token;      // of the next page
  std::string list_version;        // of the first page: what changed between two pages comes again
  std::vector<ApiObject> objects;  // pages so far
  int page_size = kPageSize;       // less after an answer that began and did not end
  uint32_t failures = 0;           // in a row
  uint32_t lost_versions = 0;      // 410 in a row, without a watch that lasted
  bool opened = false;             // this watch was answered with 200
  bool heard = false;              // this watch has brought a good frame
  WallTime opened_at;
  std::optional<Trouble> trouble;
  bool operator==(const ListWatch&) const = default;
};

// Events. Those that do not fit the phase (a late frame of a closed watch) change nothing.
struct Tick {  // start, or the wait is over
  WallTime now;
};
struct ListAnswered {
  WallTime now;
  Response response;
};
struct WatchOpened {  // the headers are in, with status 200
  WallTime now;
};
struct FrameArrived {
  WallTime now;
  std::string line;
};
struct WatchEnded {
  WallTime now;
  WatchEnd end;
};
using ListWatchEvent = std::variant<Tick, ListAnswered, WatchOpened, FrameArrived, WatchEnded>;

// Actions, to be carried out in order.
struct SendList {
  Request request;
  bool operator==(const SendList&) const = default;
};
struct OpenWatch {
  Request request;
  bool operator==(const OpenWatch&) const = default;
};
struct CloseWatch {
  bool operator==(const CloseWatch&) const = default;
};
struct Wait {  // then Tick; another Wait takes its place
  std::chrono::milliseconds delay;
  bool operator==(const Wait&) const = default;
};
struct Synced {  // these objects exist, and no others
  std::vector<ApiObject> objects;
  bool operator==(const Synced&) const = default;
};
struct Changed {
  ApiObject object;
  bool deleted = false;
  bool operator==(const Changed&) const = default;
};
struct Troubled {  // one sentence, once for as long as it stays the same
  std::string sentence;
  WallTime since;
  bool operator==(const Troubled&) const = default;
};
struct Recovered {
  bool operator==(const Recovered&) const = default;
};
using ListWatchAction =
    std::variant<SendList, OpenWatch, CloseWatch, Wait, Synced, Changed, Troubled, Recovered>;

struct ListWatchStep {
  ListWatch state;
  std::vector<ListWatchAction> actions;
};

ListWatchStep step(ListWatch state, const ListWatchEvent& event);

inline constexpr std::chrono::seconds kShortestWatch{300};  // asked for: this, up to twice as long

// The wait before attempt `failures` + 1: doubling, up to half of it more at random, never above
// the longest. Advances `seed`.
std::chrono::milliseconds backoff(uint32_t failures, uint64_t& seed, const Pace& pace = {});

}  // namespace pellicle
