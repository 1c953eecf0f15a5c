// The objects, their versions and what happened to them: the part of the API that is etcd in a real
// cluster. Pure: no threads, no clock but for creation times.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/harness/api/resource.h"

namespace pellicle::api {

// A stored object without kind and apiVersion; shared by the history, never changed.
using Object = std::shared_ptr<const Json>;

enum class EventType : uint8_t { added, modified, deleted };

struct Event {
  uint64_t version = 0;  // the resourceVersion this event made
  EventType type = EventType::added;
  ObjectKey key;
  Object object;    // afterwards; of a deleted object its last state under the deletion's version
  Object previous;  // before; null when added
};

class Store {
 public:
  // The newest resourceVersion; one counter for all objects, as etcd's revision.
  uint64_t version() const { return version_; }

  // The oldest version that can still be listed at or watched from.
  uint64_t oldest() const { return oldest_; }

  Object get(const ObjectKey& key) const;  // null: no such object

  // Gives the object its uid, creationTimestamp and resourceVersion. Throws Refusal: 409 if there
  // is one of that name.
  Object create(const ObjectKey& key, Json object);

  // Replaces the object; uid and creationTimestamp stay. Without a difference nothing happens and
  // the version stays. Throws Refusal: 404, and 409 if `object` carries a resourceVersion that is
  // not the current one.
  Object update(const ObjectKey& key, Json object);

  Object remove(const ObjectKey& key);  // throws Refusal: 404

  // All objects of a resource (and namespace, unless empty) by key as they were at `version`, which
  // must be within oldest() and version().
  std::map<ObjectKey, Object> at(uint64_t version, std::string_view resource,
                                 const std::string& ns) const;

  // What happened after `version`, oldest first. Reaches behind oldest(): a watch that is already
  // open misses nothing when the history is forgotten.
  std::vector<Event> after(uint64_t version, std::string_view resource,
                           const std::string& ns) const;

  // As after a compaction with other writes since: no version handed out before can be watched from
  // or listed at any more.
  void forget_history();

 private:
  Object commit(EventType type, const ObjectKey& key, Json object, Object previous);

  uint64_t version_ = 200;  // a real cluster has written some objects before its first Node
  uint64_t oldest_ = 200;
  std::map<ObjectKey, Object> objects_;
  std::vector<Event> history_;
};

}  // namespace pellicle::api
