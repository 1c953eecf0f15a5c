// The envelopes of the Kubernetes API: lists, watch frames and Status bodies, taken apart as far as
// the list-watch protocol needs. What is inside an object stays text here; decode.h reads it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pellicle {

// The conditions of a Node or a Pod that are read: the others are not kept.
inline constexpr std::string_view kReadyCondition = "Ready";
inline constexpr std::string_view kNetworkUnavailableCondition = "NetworkUnavailable";

struct ApiObject {
  std::string name;  // "worker"; "kube-system/cilium-ipsec-keys" when it has a namespace
  std::string text;  // JSON of the object, without managedFields and other long parts nobody reads
  auto operator<=>(const ApiObject&) const = default;
};

// One page of a LIST.
struct Page {
  std::vector<ApiObject> objects;
  std::string resource_version;
  std::string continue_token;  // empty on the last page
  bool operator==(const Page&) const = default;
};

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
  int code = 0;  // as an HTTP status: 410 for a version the server has forgotten
  std::string message;
  bool operator==(const ErrorFrame&) const = default;
};
using Frame = std::variant<ObjectFrame, BookmarkFrame, ErrorFrame>;

// No value for what is no such thing; the text itself is never quoted, for it may be a Secret.
std::optional<Page> decode_page(std::string_view body);
std::optional<Frame> decode_frame(std::string_view line);

// The `message` of a Status body, on one line; empty for any other body.
std::string status_message(std::string_view body);

}  // namespace pellicle
