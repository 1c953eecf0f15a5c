// The list-watch protocol as a pure step: (state, event) -> (state, actions). No I/O and no clock;
// watcher.h runs the actions and feeds the events.
//
//   idle --> listing --> watching --> ...
//              ^  |         |  ^
//              |  v         v  |
//              waiting (backoff), then list again or watch again
//
// Invariants. Each LIST yields one complete set of objects; before it, no object counts as deleted.
// A watch starts from the version of the last list, bookmark or frame. After a lost version (410,
// garbage) the next request is a LIST.
//
// A LIST of metadata comes from the cache of the server that is asked: of any age at the start,
// later not older than what this watch has heard, so a server that lags undoes nothing. A server
// that cannot have heard as much makes the next LIST one of the newest state. That one is
// authoritative, even when older than what a watch delivered: etcd may have been restored.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/kube/api_json.h"
#include "agent/kube/http.h"
#include "agent/kube/overload.h"

namespace pellicle {

using WallTime = std::chrono::system_clock::time_point;

// What to list and watch.
struct Resource {
  std::string title;                // prefix of every sentence: "nodes"
  std::string path;                 // "/api/v1/nodes"
  std::string field_selector;       // "metadata.name=cilium-ipsec-keys", or empty
  std::string label_selector = {};  // "app.kubernetes.io/name=pellicle-agent", or empty
  // Asks for the objects' metadata alone. A server that does not give it gives them in full.
  bool metadata_only = false;
  bool operator==(const Resource&) const = default;
};

// Retry timing. Tests use shorter times.
struct Pace {
  std::chrono::milliseconds first_backoff{800};       // as client-go's reflector
  std::chrono::milliseconds longest_backoff{30'000};  // as client-go's reflector
  std::chrono::milliseconds quick_end{5'000};         // a shorter watch counts as failed
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
  uint64_t seed = 0;  // for jitter and watch lengths; differs between agents
  Pace pace;
  Phase phase = Phase::idle;
  std::string resource_version;  // where a watch starts; empty: list first
  std::string continue_token;    // of the next page
  std::string list_version;  // of the first page: a watch from it repeats what changed between two
                             // pages
  std::vector<ApiObject> objects;  // pages so far
  int page_size = kPageSize;       // halved after an answer that broke off
  std::string heard_version;       // the newest one so far; unlike resource_version never forgotten
  bool from_cache = false;         // the LIST under way is answered by the server's cache
  bool newest = false;             // the next LIST is of the newest state
  bool in_full = false;            // the server refuses to give metadata alone
  uint32_t failures = 0;           // consecutive ones
  uint32_t lost_versions = 0;      // consecutive 410 answers without a watch that lasted
  bool opened = false;             // this watch was answered with 200
  bool heard = false;              // this watch delivered a good frame
  WallTime opened_at;
  std::optional<Trouble> trouble;
  Overload overload;
  bool operator==(const ListWatch&) const = default;
};

// Events. An event that does not fit the phase (a late frame of a closed watch) changes nothing.
struct Tick {  // at the start, or after a wait
  WallTime now;
};
struct ListAnswered {
  WallTime now;
  Response response;
};
struct WatchOpened {  // headers with status 200 arrived
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

// Actions, run in order.
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
struct Wait {  // then feed Tick; a new Wait replaces the pending one
  std::chrono::milliseconds delay;
  bool operator==(const Wait&) const = default;
};
struct Synced {  // the complete set of objects
  std::vector<ApiObject> objects;
  bool operator==(const Synced&) const = default;
};
struct Changed {
  ApiObject object;
  bool deleted = false;
  bool operator==(const Changed&) const = default;
};
struct Troubled {  // one sentence; not repeated while it stays the same
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

inline constexpr std::chrono::seconds kShortestWatch{300};  // watches request this to twice this
                                                            // length

// The wait before attempt `failures` + 1: doubles each time, plus up to half at random, capped at
// the longest. Advances `seed`.
std::chrono::milliseconds backoff(uint32_t failures, uint64_t& seed, const Pace& pace = {});

uint64_t next_random(uint64_t& seed);  // advances `seed`

}  // namespace pellicle
