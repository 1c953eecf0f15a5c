#include "agent/kube/api_json.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "agent/kube/decode.h"

namespace pellicle {
namespace {

using nlohmann::json;

// Levels of nesting; a Node has about ten. Copying and printing JSON recurse, so the parser rejects
// deeper input.
constexpr int kDeepest = 64;
struct TooDeep {};

// Fields that no code here reads; they make up most of a real Node. Dropping them while parsing
// keeps the agent small in a large cluster.
const std::set<std::string, std::less<>> kUnread = {
    "managedFields", "images",          "kubectl.kubernetes.io/last-applied-configuration",
    "nodeInfo",      "capacity",        "lastHeartbeatTime",
    "allocatable",   "volumesAttached", "lastTransitionTime",
    "volumesInUse"};

// Dropped in a condition only: a Status body has the same fields at a higher level, and they are
// read.
const std::set<std::string, std::less<>> kUnreadInside = {"message", "reason"};
constexpr int kInside = 4;

// Conditions of a Node and a Pod that are kept; the others are dropped.
constexpr std::array<std::string_view, 2> kReadConditions = {kReadyCondition,
                                                             kNetworkUnavailableCondition};

bool keep(int depth, json::parse_event_t event, json& parsed) {
  if (depth > kDeepest) throw TooDeep();
  if (event != json::parse_event_t::key) return true;
  const auto& name = parsed.get_ref<const std::string&>();
  return !kUnread.contains(name) && (depth < kInside || !kUnreadInside.contains(name));
}

constexpr const char* kMetadataKind = "PartialObjectMetadata";

constexpr std::array kPrefixes = {kPrefix, kOldPrefix, kOwnPrefix};

json parse(std::string_view text) {
  try {
    return json::parse(text, keep, /*allow_exceptions=*/false);
  } catch (const TooDeep&) {
    return json::value_t::discarded;
  }
}

// Replaces line ends and other control characters, so that the text cannot move a terminal's
// cursor.
std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }, ' ');
  return text;
}

// The string at object[outer][inner]; empty when there is none.
std::string text_at(const json& object, const char* outer, const char* inner) {
  if (!object.is_object()) return "";
  const auto part = object.find(outer);
  if (part == object.end() || !part->is_object()) return "";
  const auto field = part->find(inner);
  return field != part->end() && field->is_string() ? field->get<std::string>() : "";
}

std::string text_at(const json& object, const char* name) {
  if (!object.is_object()) return "";
  const auto field = object.find(name);
  return field != object.end() && field->is_string() ? field->get<std::string>() : "";
}

// Other programs' annotations can take 256 KiB in total.
void leave_foreign_annotations_out(json& object) {
  const auto metadata = object.find("metadata");
  if (metadata == object.end() || !metadata->is_object()) return;
  const auto found = metadata->find("annotations");
  if (found == metadata->end() || !found->is_object()) return;
  for (auto each = found->begin(); each != found->end();) {
    const auto& name = each.key();
    const bool read = std::any_of(kPrefixes.begin(), kPrefixes.end(),
                                  [&](auto prefix) { return name.starts_with(prefix); });
    each = read ? std::next(each) : found->erase(each);
  }
}

// Keeps type and status of the conditions that are read; the rest of a condition is texts and
// times.
void leave_conditions_out(json& object) {
  const auto status = object.find("status");
  if (status == object.end() || !status->is_object()) return;
  const auto found = status->find("conditions");
  if (found == status->end()) return;
  json kept = json::array();
  for (const auto& each : *found) {
    const auto type = text_at(each, "type");
    if (std::find(kReadConditions.begin(), kReadConditions.end(), type) != kReadConditions.end()) {
      kept.push_back({{"type", type}, {"status", text_at(each, "status")}});
    }
  }
  *found = std::move(kept);
}

std::optional<ApiObject> api_object(json& object) {
  const auto name = text_at(object, "metadata", "name");
  if (name.empty()) return std::nullopt;
  const auto space = text_at(object, "metadata", "namespace");
  leave_foreign_annotations_out(object);
  leave_conditions_out(object);
  return ApiObject{.name = space.empty() ? name : space + "/" + name,
                   .text = object.dump(),
                   .metadata_only = text_at(object, "kind") == kMetadataKind};
}

}  // namespace

std::optional<ApiObject> decode_object(std::string_view body) {
  auto object = parse(body);
  return object.is_object() ? api_object(object) : std::nullopt;
}

std::string version_of(const ApiObject& object) {
  return text_at(parse(object.text), "metadata", "resourceVersion");
}

std::optional<Page> decode_page(std::string_view body) {
  auto list = parse(body);
  Page page{.objects = {},
            .resource_version = text_at(list, "metadata", "resourceVersion"),
            .continue_token = text_at(list, "metadata", "continue")};
  // An empty LIST has `"items": []`, or null from servers that keep a Go nil slice.
  if (page.resource_version.empty() || !list.contains("items")) return std::nullopt;
  auto& items = list["items"];
  if (!items.is_array() && !items.is_null()) return std::nullopt;
  page.objects.reserve(items.size());
  // Some servers give the kind of a list's objects only once, with the list.
  const bool metadata_only = text_at(list, "kind") == std::string(kMetadataKind) + "List";
  for (auto& item : items) {
    auto object = api_object(item);
    if (!object) return std::nullopt;
    object->metadata_only = object->metadata_only || metadata_only;
    page.objects.push_back(std::move(*object));
  }
  return page;
}

std::optional<Frame> decode_frame(std::string_view line) {
  auto frame = parse(line);
  const auto type = text_at(frame, "type");
  if (type.empty() || !frame.contains("object") || !frame["object"].is_object()) {
    return std::nullopt;
  }
  auto& object = frame["object"];
  if (type == "ERROR") {
    const auto code = object.find("code");
    const bool numeric = code != object.end() && code->is_number_integer();
    return ErrorFrame{.code = numeric ? code->get<int>() : 0,
                      .message = one_line(text_at(object, "message"))};
  }
  auto version = text_at(object, "metadata", "resourceVersion");
  if (version.empty()) return std::nullopt;
  if (type == "BOOKMARK") return BookmarkFrame{std::move(version)};
  if (type != "ADDED" && type != "MODIFIED" && type != "DELETED") return std::nullopt;
  auto decoded = api_object(object);
  if (!decoded) return std::nullopt;
  return ObjectFrame{.object = std::move(*decoded),
                     .resource_version = std::move(version),
                     .deleted = type == "DELETED"};
}

std::string status_message(std::string_view body) {
  const auto status = parse(body);
  if (text_at(status, "kind") != "Status") return "";
  return one_line(text_at(status, "message"));
}

}  // namespace pellicle
