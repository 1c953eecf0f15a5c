#include "tests/harness/api/feed.h"

#include <algorithm>

#include "tests/harness/api/negotiate.h"

namespace pellicle::api {
namespace {

std::string frame(const char* type, const Json& object) {
  return std::string("{\"type\":\"") + type + "\",\"object\":" + object.dump() + "}\n";
}

}  // namespace

Feed::Feed(const Store& store, const Call& call)
    : resource_(*call.resource),
      ns_(call.key.ns),
      selector_(*call.resource, call.parameter("fieldSelector"), call.parameter("labelSelector")),
      metadata_only_(call.metadata_only),
      bookmarks_(call.flag("allowWatchBookmarks")) {
  if (!call.parameter("sendInitialEvents").empty())
    throw Refusal(422, "Invalid",
                  "ListOptions.meta.k8s.io \"\" is invalid: sendInitialEvents: Forbidden: "
                  "sendInitialEvents is forbidden for watch unless the WatchList feature gate is "
                  "enabled");
  seen_ = call.number("resourceVersion").value_or(0);
  initial_ = seen_ == 0;
  if (!initial_ && seen_ < store.oldest()) throw too_old(seen_, store.oldest());
}

std::vector<std::string> Feed::news(const Store& store, uint64_t until) {
  until = std::min(until, store.version());
  std::vector<std::string> frames;
  if (initial_) {
    for (const auto& [key, object] : store.at(until, resource_.plural, ns_))
      if (selector_.matches(*object)) frames.push_back(frame("ADDED", shown(*object)));
    initial_ = false;
  } else {
    for (const Event& event : store.after(seen_, resource_.plural, ns_)) {
      if (event.version > until) break;
      std::string text = frame_for(event);
      if (!text.empty()) frames.push_back(std::move(text));
    }
  }
  seen_ = std::max(seen_, until);
  return frames;
}

Json Feed::shown(Json object) const {
  return metadata_only_ ? metadata_of(object) : with_kind(std::move(object), resource_);
}

std::string Feed::frame_for(const Event& event) const {
  const bool is = event.type != EventType::deleted && selector_.matches(*event.object);
  const bool was = event.previous && selector_.matches(*event.previous);
  if (is) {
    // As a kube-apiserver, encodes the frame once for all watches of the same form.
    auto& text = (*event.frames)[(was ? 2 : 0) + (metadata_only_ ? 1 : 0)];
    if (text.empty()) text = frame(was ? "MODIFIED" : "ADDED", shown(*event.object));
    return text;
  }
  if (!was) return "";
  // An object that left the selection is reported as it was last selected, with the version at
  // which it left.
  Json last = *event.previous;
  last["metadata"]["resourceVersion"] = std::to_string(event.version);
  return frame("DELETED", shown(std::move(last)));
}

std::string Feed::bookmark(const Store& store) const {
  if (!bookmarks_ || seen_ > store.version()) return "";
  Json object = {{"metadata", {{"resourceVersion", std::to_string(seen_)}}}};
  if (resource_.plural == kNodes.plural) {
    object["spec"] = Json::object();
    object["status"] = empty_node_status();
  }
  return frame("BOOKMARK", shown(std::move(object)));
}

std::string Feed::error_frame(const Refusal& refusal) {
  return frame("ERROR", refusal.status);
}

}  // namespace pellicle::api
