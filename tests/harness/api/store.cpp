#include "tests/harness/api/store.h"

#include <algorithm>

#include "tests/harness/api/refusal.h"

namespace pellicle::api {
namespace {

bool belongs(const ObjectKey& key, std::string_view resource, const std::string& ns) {
  return key.resource == resource && (ns.empty() || key.ns == ns);
}

// The map under `field`, created if missing.
Json& object_at(Json& object, const char* field) {
  Json& at = object[field];
  if (!at.is_object()) at = Json::object();
  return at;
}

}  // namespace

Object Store::get(const ObjectKey& key) const {
  const auto found = objects_.find(key);
  return found == objects_.end() ? nullptr : found->second;
}

Object Store::commit(EventType type, const ObjectKey& key, Json object, Object previous) {
  object.erase("kind");
  object.erase("apiVersion");
  object["metadata"]["resourceVersion"] = std::to_string(++version_);
  auto stored = std::make_shared<const Json>(std::move(object));
  history_.push_back({.version = version_,
                      .type = type,
                      .key = key,
                      .object = stored,
                      .previous = std::move(previous)});
  if (type == EventType::deleted)
    objects_.erase(key);
  else
    objects_[key] = stored;
  return stored;
}

Object Store::create(const ObjectKey& key, Json object) {
  if (objects_.contains(key)) throw already_exists(key);
  Json& metadata = object_at(object, "metadata");
  metadata["name"] = key.name;
  if (!key.ns.empty()) metadata["namespace"] = key.ns;
  metadata["uid"] = new_uid();
  metadata["creationTimestamp"] = timestamp_now();
  return commit(EventType::added, key, std::move(object), nullptr);
}

Object Store::update(const ObjectKey& key, Json object) {
  Object current = get(key);
  if (!current) throw not_found(key);
  const Json& was = (*current)["metadata"];
  Json& metadata = object_at(object, "metadata");
  const std::string asked = metadata.value("resourceVersion", "");
  if (!asked.empty() && asked != was["resourceVersion"].get<std::string>()) throw conflict(key);
  for (const char* field : {"name", "namespace", "uid", "creationTimestamp", "resourceVersion"})
    if (was.contains(field)) metadata[field] = was[field];
  object.erase("kind");
  object.erase("apiVersion");
  if (object == *current) return current;
  return commit(EventType::modified, key, std::move(object), current);
}

Object Store::remove(const ObjectKey& key) {
  const Object current = get(key);
  if (!current) throw not_found(key);
  return commit(EventType::deleted, key, *current, current);
}

std::map<ObjectKey, Object> Store::at(uint64_t version, std::string_view resource,
                                      const std::string& ns) const {
  std::map<ObjectKey, Object> result;
  for (const auto& [key, object] : objects_)
    if (belongs(key, resource, ns)) result.emplace(key, object);
  for (auto event = history_.rbegin(); event != history_.rend() && event->version > version;
       ++event) {
    if (!belongs(event->key, resource, ns)) continue;
    if (event->previous)
      result[event->key] = event->previous;
    else
      result.erase(event->key);
  }
  return result;
}

std::vector<Event> Store::after(uint64_t version, std::string_view resource,
                                const std::string& ns) const {
  auto first =
      std::upper_bound(history_.begin(), history_.end(), version,
                       [](uint64_t asked, const Event& event) { return asked < event.version; });
  std::vector<Event> result;
  std::copy_if(first, history_.end(), std::back_inserter(result),
               [&](const Event& event) { return belongs(event.key, resource, ns); });
  return result;
}

void Store::forget_history() {
  oldest_ = ++version_;
}

}  // namespace pellicle::api
