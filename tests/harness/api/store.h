// The objects, their versions and their events: the part that is etcd in a real cluster. Pure: no
// threads, no clock except for creation times.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/harness/api/resource.h"

namespace pellicle::api {

// A stored object without kind and apiVersion; immutable, shared with the history.
using Object = std::shared_ptr<const Json>;

enum class EventType : uint8_t { added, modified, deleted };

struct Event {
  uint64_t version = 0;  // the resourceVersion that this event made
  EventType type = EventType::added;
  ObjectKey key;
  Object object;    // state after it; if deleted, the last state with the deletion's version
  Object previous;  // the state before it; null when added
  // Its frames for watches, once encoded; see feed.cpp.
  std::shared_ptr<std::array<std::string, 4>> frames =
      std::make_shared<std::array<std::string, 4>>();
};

class Store {
 public:
  // The newest resourceVersion; one counter for all objects, like etcd's revision.
  uint64_t version() const { return version_; }

  // The oldest version from which a list or watch can start.
  uint64_t oldest() const { return oldest_; }

  Object get(const ObjectKey& key) const;  // null: no such object

  // Sets the object's uid, creationTimestamp and resourceVersion. Throws Refusal (409) if the name
  // exists.
  Object create(const ObjectKey& key, Json object);

  // Replaces the object; uid and creationTimestamp stay. Without a difference the version stays.
  // Throws Refusal: 404, and 409 if `object` carries a resourceVersion other than the current one.
  Object update(const ObjectKey& key, Json object);

  Object remove(const ObjectKey& key);  // throws Refusal: 404

  // All objects of a resource (and namespace, unless empty) by key as they were at `version`, which
  // must be within oldest() and version().
  std::map<ObjectKey, Object> at(uint64_t version, std::string_view resource,
                                 const std::string& ns) const;

  // The events after `version`, oldest first. Reaches behind oldest(): a watch that is already open
  // misses nothing when the history is forgotten.
  std::vector<Event> after(uint64_t version, std::string_view resource,
                           const std::string& ns) const;

  // Like a compaction followed by other writes: no version returned before can be watched from or
  // listed at any more.
  void forget_history();

  // The version that a server's cache holds, where a client is content with it. Behind version()
  // while the server lags.
  uint64_t cached() const { return std::min(lags_at_.value_or(version_), version_); }
  void lag_at(std::optional<uint64_t> version) { lags_at_ = version; }

 private:
  Object commit(EventType type, const ObjectKey& key, Json object, Object previous);

  uint64_t version_ = 200;  // a real cluster writes some objects before its first Node
  uint64_t oldest_ = 200;
  std::optional<uint64_t> lags_at_;
  std::map<ObjectKey, Object> objects_;
  std::vector<Event> history_;
};

}  // namespace pellicle::api
