#include "tests/harness/api/patch.h"

#include <algorithm>
#include <map>
#include <set>

#include "tests/harness/api/refusal.h"

namespace pellicle::api {
namespace {

// patchMergeKey of the lists below, from k8s.io/api/core/v1 (1.36): path without indices -> key.
const std::map<std::string, std::string, std::less<>> kMergeKeys = {
    {"status.addresses", "type"},
    {"status.conditions", "type"},
    {"metadata.ownerReferences", "uid"},
};
const std::set<std::string, std::less<>> kSets = {"spec.podCIDRs", "metadata.finalizers"};
constexpr std::string_view kDeleteFromSet = "$deleteFromPrimitiveList/";

void merge_map(Json& target, const Json& patch, const std::string& path);

std::string directive(const Json& map) {
  if (!map.is_object() || !map.contains("$patch")) return "";
  const Json& value = map["$patch"];
  if (value == "replace" || value == "delete" || value == "merge") return value;
  throw bad_request("invalid value for the $patch directive: " + value.dump());
}

Json without_directive(Json map) {
  map.erase("$patch");
  return map;
}

void merge_keyed_element(Json& list, const Json& element, const std::string& key,
                         const std::string& path) {
  if (!element.is_object() || !element.contains(key))
    throw bad_request("map: " + element.dump() + " does not contain declared merge key: " + key);
  auto same = [&](const Json& other) {
    return other.is_object() && other.value(key, Json()) == element[key];
  };
  const auto place = std::find_if(list.begin(), list.end(), same);
  if (directive(element) == "delete") {
    list.erase(std::remove_if(list.begin(), list.end(), same), list.end());
  } else if (place == list.end()) {
    list.push_back(without_directive(element));
  } else {
    merge_map(*place, element, path);
  }
}

void merge_list(Json& target, const Json& patch, const std::string& path) {
  const auto key = kMergeKeys.find(path);
  const bool replaces = std::any_of(patch.begin(), patch.end(),
                                    [](const Json& e) { return directive(e) == "replace"; });
  if (!target.is_array() || replaces) target = Json::array();
  if (key != kMergeKeys.end()) {
    for (const Json& element : patch)
      if (directive(element) != "replace") merge_keyed_element(target, element, key->second, path);
  } else if (kSets.contains(path)) {
    for (const Json& element : patch)
      if (std::find(target.begin(), target.end(), element) == target.end())
        target.push_back(element);
  } else {
    target = patch;
  }
}

void delete_from_set(Json& target, const std::string& field, const Json& values) {
  if (!target.contains(field) || !target[field].is_array()) return;
  Json& list = target[field];
  for (const Json& value : values)
    list.erase(std::remove(list.begin(), list.end(), value), list.end());
}

void merge_map(Json& target, const Json& patch, const std::string& path) {
  const std::string what = directive(patch);
  if (!target.is_object() || !what.empty()) {
    if (what == "replace" || what == "delete") {
      target = what == "replace" ? without_directive(patch) : Json::object();
      return;
    }
    if (!target.is_object()) target = Json::object();
  }
  for (const auto& [name, value] : patch.items()) {
    std::string at = path.empty() ? "" : path + ".";
    at += name;
    if (name.starts_with(kDeleteFromSet)) {
      delete_from_set(target, name.substr(kDeleteFromSet.size()), value);
    } else if (name.starts_with("$")) {
      continue;  // $setElementOrder and $retainKeys: order is not kept here, unions are not served
    } else if (value.is_null()) {
      target.erase(name);
    } else if (value.is_object()) {
      merge_map(target[name], value, at);
    } else if (value.is_array()) {
      merge_list(target[name], value, at);
    } else {
      target[name] = value;
    }
  }
}

}  // namespace

Json merge_patch(Json target, const Json& patch) {
  target.merge_patch(patch);
  return target;
}

Json strategic_merge_patch(Json target, const Json& patch) {
  merge_map(target, patch, "");
  return target;
}

}  // namespace pellicle::api
