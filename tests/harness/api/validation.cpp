#include "tests/harness/api/validation.h"

#include <algorithm>
#include <cctype>
#include <sstream>

#include "tests/harness/api/encoding.h"

namespace pellicle::api {
namespace {

std::string type_mismatch(const Json& value, const std::string& field) {
  return std::string("json: cannot unmarshal ") + value.type_name() + " into Go struct field " +
         field + " of type string";
}

// The complaint about a map whose values are not all strings; empty if they are.
std::string not_strings(const Json& map, const std::string& field) {
  if (map.is_null()) return "";
  if (!map.is_object()) return type_mismatch(map, field);
  for (const Json& value : map)
    if (!value.is_string()) return type_mismatch(value, field);
  return "";
}

bool is_label(const std::string& text) {
  const auto alphanumeric = [](unsigned char c) { return std::islower(c) || std::isdigit(c); };
  return !text.empty() && text.front() != '-' && text.back() != '-' &&
         std::all_of(text.begin(), text.end(),
                     [&](unsigned char c) { return alphanumeric(c) || c == '-'; });
}

// RFC 1123: labels with dots between them.
bool is_subdomain(const std::string& name) {
  std::istringstream labels(name);
  for (std::string label; std::getline(labels, label, '.');)
    if (!is_label(label)) return false;
  return !name.empty() && name.back() != '.';
}

}  // namespace

std::string undecodable(const Resource& resource, const Json& object) {
  if (!object.is_object()) return "the object provided is unrecognized (must be of type object)";
  const Json metadata = object.value("metadata", Json::object());
  if (!metadata.is_object()) return type_mismatch(metadata, "metadata");
  for (const char* field : {"name", "namespace", "uid", "resourceVersion"})
    if (metadata.contains(field) && !metadata[field].is_string())
      return type_mismatch(metadata[field], std::string("ObjectMeta.metadata.") + field);
  for (const char* field : {"annotations", "labels"}) {
    std::string bad =
        not_strings(metadata.value(field, Json()), std::string("ObjectMeta.metadata.") + field);
    if (!bad.empty()) return bad;
  }
  for (const char* field : {"spec", "status"})
    if (object.contains(field) && !object[field].is_object())
      return type_mismatch(object[field], std::string("Node.") + field);
  if (resource.plural != kSecrets.plural) return "";
  for (const char* field : {"data", "stringData"}) {
    std::string bad = not_strings(object.value(field, Json()), std::string("Secret.") + field);
    if (!bad.empty()) return bad;
  }
  for (const Json& value : object.value("data", Json::object()))
    if (!from_base64(value.get<std::string>())) return "illegal base64 data in Secret.data";
  return "";
}

void check_name(const Resource& resource, const std::string& name) {
  if (name.empty())
    throw invalid(resource, name, "metadata.name", "Required value: name is required");
  if (name.size() > 253 || !is_subdomain(name))
    throw invalid(resource, name, "metadata.name",
                  "Invalid value: \"" + name +
                      "\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric "
                      "characters, '-' or '.', and must start and end with an alphanumeric "
                      "character");
}

void check_update(const Resource& resource, const ObjectKey& key, const Json& stored,
                  const Json& object) {
  const Json metadata = object.value("metadata", Json::object());
  const auto must_be = [&](const char* field, const std::string& name) {
    const std::string given = metadata.value(field, name);
    if (given != name)
      throw bad_request("the " + std::string(field) + " of the object (" + given +
                        ") does not match the " + field + " on the URL (" + name + ")");
  };
  must_be("name", key.name);
  must_be("namespace", key.ns);
  const std::string uid = stored["metadata"]["uid"];
  if (const std::string given = metadata.value("uid", uid); given != uid)
    throw precondition_failed(
        key, "Precondition failed: UID in precondition: " + given + ", UID in object meta: " + uid);
  if (resource.plural != kNodes.plural) return;
  const Json before = stored.value("/spec/podCIDRs"_json_pointer, Json());
  if (!before.is_null() && before != object.value("/spec/podCIDRs"_json_pointer, Json()))
    throw invalid(resource, key.name, "spec.podCIDRs",
                  "Forbidden: node updates may not change podCIDR except from \"\" to valid");
}

Json with_string_data_folded(Json object) {
  const Json texts = object.value("stringData", Json::object());
  for (const auto& [name, text] : texts.items())
    object["data"][name] = base64(text.get<std::string>());
  object.erase("stringData");
  return object;
}

}  // namespace pellicle::api
