#include "tests/harness/api/validation.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <sstream>

#include "tests/harness/api/encoding.h"

namespace pellicle::api {
namespace {

std::string type_mismatch(const Json& value, const std::string& field) {
  return std::string("json: cannot unmarshal ") + value.type_name() + " into Go struct field " +
         field + " of type string";
}

// The error for a map with a value that is not a string; empty if all are.
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

// "10.0.1.0/24": an address, and a prefix length within its size.
bool is_network(const std::string& text) {
  const size_t slash = std::min(text.find('/'), text.size());
  const std::string address = text.substr(0, slash);
  const std::string length = slash < text.size() ? text.substr(slash + 1) : "";
  std::array<unsigned char, 16> bytes{};
  const bool v4 = inet_pton(AF_INET, address.c_str(), bytes.data()) == 1;
  const bool v6 = inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1;
  const bool digits = !length.empty() && length.size() < 4 &&
                      length.find_first_not_of("0123456789") == std::string::npos;
  return (v4 || v6) && digits && std::stoi(length) <= (v4 ? 32 : 128);
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
  if (!before.is_null() && !before.empty() &&
      before != object.value("/spec/podCIDRs"_json_pointer, Json()))
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

Json with_pod_cidrs_agreed(Json node) {
  if (!node.contains("spec") || !node["spec"].is_object()) return node;
  Json& spec = node["spec"];
  const std::string one = spec.value("podCIDR", "");
  const Json list = spec.value("podCIDRs", Json());
  if (!list.is_null() && !list.is_array()) return node;  // check_object() refuses it
  if (!one.empty() && (list.empty() || list.front() != one)) spec["podCIDRs"] = Json::array({one});
  if (one.empty() && !list.empty()) spec["podCIDR"] = list.front();
  return node;
}

namespace {

void check_pod_cidrs(const Resource& resource, const std::string& name, const Json& list) {
  std::set<bool> families;
  for (const Json& cidr : list) {
    const std::string text = cidr.is_string() ? cidr.get<std::string>() : cidr.dump();
    if (!is_network(text))
      throw invalid(resource, name, "spec.podCIDRs",
                    "Invalid value: \"" + text + "\": must be a valid CIDR value");
    if (!families.insert(text.find(':') != std::string::npos).second)
      throw invalid(resource, name, "spec.podCIDRs",
                    "Invalid value: " + list.dump() +
                        ": may specify no more than one CIDR for each IP family");
  }
}

void check_lease(const std::string& name, const Json& spec) {
  const auto number = [&](const char* field) { return spec.value(field, Json(1)); };
  for (const char* field : {"leaseDurationSeconds", "leaseTransitions"}) {
    const Json value = number(field);
    const int64_t least = std::string(field) == "leaseTransitions" ? 0 : 1;
    if (value.is_number_integer() && value.get<int64_t>() >= least) continue;
    throw invalid(kLeases, name, std::string("spec.") + field,
                  "Invalid value: " + value.dump() + ": must be greater than " +
                      (least == 0 ? "or equal to 0" : "0"));
  }
}

}  // namespace

void check_object(const Resource& resource, const std::string& ns, const std::string& name,
                  const Json& object) {
  if (resource.plural == kNodes.plural)
    check_pod_cidrs(resource, name, object.value("/spec/podCIDRs"_json_pointer, Json::array()));
  if (resource.plural == kLeases.plural) check_lease(name, object.value("spec", Json::object()));
  if (resource.plural != kEvents.plural) return;
  const std::string about = object.value("/involvedObject/namespace"_json_pointer, "");
  if (ns != (about.empty() ? "default" : about))
    throw invalid(resource, name, "involvedObject.namespace",
                  "Invalid value: \"" + about + "\": does not match event.namespace");
}

void check_conditional(const Resource& resource, const std::string& name, const Json& object) {
  if (resource.plural != kLeases.plural) return;
  if (!object.value("/metadata/resourceVersion"_json_pointer, "").empty()) return;
  throw invalid(resource, name, "metadata.resourceVersion",
                "Invalid value: 0x0: must be specified for an update");
}

}  // namespace pellicle::api
