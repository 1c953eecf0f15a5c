#include "agent/kube/api_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace pellicle {
namespace {

using nlohmann::json;

// Levels of nesting; a Node has about ten. Copying and writing recurse: what is nested without end
// must not get that far.
constexpr int kDeepest = 64;
struct TooDeep {};

// Most of a real Node is field ownership and container images; leaving them out while parsing keeps
// the agent small in a large cluster.
bool keep(int depth, json::parse_event_t event, json& parsed) {
  if (depth > kDeepest) throw TooDeep();
  if (event != json::parse_event_t::key) return true;
  const auto& key = parsed.get_ref<const std::string&>();
  return key != "managedFields" && key != "images" &&
         key != "kubectl.kubernetes.io/last-applied-configuration";
}

json parse(std::string_view text) {
  try {
    return json::parse(text, keep, /*allow_exceptions=*/false);
  } catch (const TooDeep&) {
    return json::value_t::discarded;
  }
}

// On one line, and nothing that moves a terminal's cursor.
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

std::optional<ApiObject> api_object(const json& object) {
  const auto name = text_at(object, "metadata", "name");
  if (name.empty()) return std::nullopt;
  const auto space = text_at(object, "metadata", "namespace");
  return ApiObject{.name = space.empty() ? name : space + "/" + name, .text = object.dump()};
}

}  // namespace

std::optional<Page> decode_page(std::string_view body) {
  const auto list = parse(body);
  Page page{.objects = {},
            .resource_version = text_at(list, "metadata", "resourceVersion"),
            .continue_token = text_at(list, "metadata", "continue")};
  // A LIST of nothing has `"items": []`, or null from servers that keep a Go nil slice.
  if (page.resource_version.empty() || !list.contains("items")) return std::nullopt;
  const auto& items = list["items"];
  if (!items.is_array() && !items.is_null()) return std::nullopt;
  page.objects.reserve(items.size());
  for (const auto& item : items) {
    auto object = api_object(item);
    if (!object) return std::nullopt;
    page.objects.push_back(std::move(*object));
  }
  return page;
}

std::optional<Frame> decode_frame(std::string_view line) {
  const auto frame = parse(line);
  const auto type = text_at(frame, "type");
  if (type.empty() || !frame.contains("object") || !frame["object"].is_object()) {
    return std::nullopt;
  }
  const auto& object = frame["object"];
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
