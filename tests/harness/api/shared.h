// State shared by the connections' threads and the test, under one mutex.
#pragma once

#include <chrono>
#include <condition_variable>
#include <list>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/harness/api/access.h"
#include "tests/harness/api/faults.h"
#include "tests/harness/api/negotiate.h"
#include "tests/harness/api/store.h"

namespace pellicle::api {

class Wire;

// One request, as logged.
struct RequestSeen {
  std::string method, path, query;  // the path decoded, the query as sent
  std::string verb, resource;       // "watch", "nodes"; as permissions and faults name them
  std::string user;                 // empty: not authenticated
  std::string user_agent;
  std::string accept;
  bool metadata_only = false;  // the answer was PartialObjectMetadata
  bool gzip = false;           // and compressed
  int status = 0;              // HTTP status of the answer; 0: a fault left the request unanswered
};

struct OpenWatch {
  std::string resource;
  std::string user;
  std::optional<FaultKind> order;  // what its thread does to it next
  uint64_t version = UINT64_MAX;   // the store's version then: later events follow the order
  uint64_t clears = 0;             // Faults::clears() then: a later clear() ends a silence
};

struct Settings {
  // How often a watch that asked for bookmarks gets one. A kube-apiserver (1.36): once a minute.
  std::chrono::milliseconds bookmark_interval = std::chrono::seconds(60);
  // How long a watch without timeoutSeconds lasts; a kube-apiserver: 30 to 60 minutes.
  std::chrono::milliseconds default_watch_timeout = std::chrono::minutes(30);
  // A watch from a forgotten version gets 200 and an ERROR frame instead of HTTP 410.
  bool gone_as_frame = false;
  MetadataServed metadata = MetadataServed::yes;
  // Answers larger than this are compressed for clients that can decode them; watches are not.
  size_t gzip_above = size_t{128} << 10;
  bool gzip_watches = false;  // by a proxy in front of the server
};

struct Shared {
  std::mutex mutex;              // held for every access to the members below
  std::condition_variable seen;  // a request was logged, a watch opened or closed
  Store store;
  Access access;
  Faults faults;
  Settings settings;
  std::vector<RequestSeen> requests;
  std::list<OpenWatch> watches;
  uint64_t events_sent = 0;  // frames of watches, without bookmarks
  std::set<Wire*> wires;

  void wake_all();  // wakes waiting connections after a change; mutex held
};

}  // namespace pellicle::api
