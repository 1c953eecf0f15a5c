// The envelopes of the Kubernetes API: lists, watch frames and Status bodies, decoded as far as the
// list-watch protocol needs. The content of an object stays text here; decode.h reads it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pellicle {

// The conditions of a Node or a Pod that are kept; the others are dropped.
inline constexpr std::string_view kReadyCondition = "Ready";
inline constexpr std::string_view kNetworkUnavailableCondition = "NetworkUnavailable";

struct ApiObject {
  std::string name;  // "worker"; "kube-system/cilium-ipsec-keys" when it has a namespace
  std::string text;  // the object's JSON, without managedFields and other long parts that are not
                     // read
  bool metadata_only = false;  // a PartialObjectMetadata
  auto operator<=>(const ApiObject&) const = default;
};

// One page of a LIST.
struct Page {
  std::vector<ApiObject> objects;
  std::string resource_version;
  std::string continue_token;  // empty on the last page
  bool operator==(const Page&) const = default;
};

// A single object, as a GET answers. nullopt: it is none.
std::optional<ApiObject> decode_object(std::string_view body);

// metadata.resourceVersion; empty when there is none.
std::string version_of(const ApiObject& object);

// Frames of a WATCH.
struct ObjectFrame {
  ApiObject object;
  std::string resource_version;
  bool deleted = false;
  bool operator==(const ObjectFrame&) const = default;
};
struct BookmarkFrame {
  std::string resource_version;
  bool operator==(const BookmarkFrame&) const = default;
};
struct ErrorFrame {
  int code = 0;  // an HTTP status: 410 when the server no longer has the version
  std::string message;
  bool operator==(const ErrorFrame&) const = default;
};
using Frame = std::variant<ObjectFrame, BookmarkFrame, ErrorFrame>;

// nullopt for any other text. The text itself is never quoted, because it may be a Secret.
std::optional<Page> decode_page(std::string_view body);
std::optional<Frame> decode_frame(std::string_view line);

// The `message` of a Status body, on one line; empty for any other body.
std::string status_message(std::string_view body);

}  // namespace pellicle
