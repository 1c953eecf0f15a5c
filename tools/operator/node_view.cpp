#include "tools/operator/node_view.h"

#include <nlohmann/json.hpp>

#include "agent/kube/decode.h"

namespace pellicle {

namespace {

using nlohmann::json;

std::string metadata(const json& object, const char* field) {
  const json none = json::object();
  const auto& found = object.is_object() ? object.value("metadata", none) : none;
  const auto value = found.is_object() ? found.value(field, json()) : json();
  return value.is_string() ? value.get<std::string>() : "";
}

bool spec_is_set(const json& object) {
  const auto spec = object.is_object() ? object.value("spec", json::object()) : json::object();
  if (!spec.is_object()) return false;
  const auto list = spec.value("podCIDRs", json());
  const auto single = spec.value("podCIDR", json());
  return (list.is_array() && !list.empty()) ||
         (single.is_string() && !single.get_ref<const std::string&>().empty());
}

}  // namespace

NodeView node_view(const ApiObject& object) {
  const auto decoded = decode_node(object);
  const auto parsed = json::parse(object.text, nullptr, /*allow_exceptions=*/false);
  NodeView view{.name = object.name,
                .uid = metadata(parsed, "uid"),
                .version = metadata(parsed, "resourceVersion"),
                .created = decoded.node.created,
                .silent = decoded.node.silent,
                .in_spec = spec_is_set(parsed),
                .pod_cidrs = decoded.node.pod_cidrs,
                .addresses = {},
                .unreadable = ""};
  for (const auto family : kFamilies) {
    if (const auto& address = decoded.node.internal_ip(family)) view.addresses.push_back(*address);
  }
  if (decoded.malformed.contains(NodeField::pod_cidrs)) {
    for (const auto& problem : decoded.problems) {
      if (problem.field.find("pod-cidr") == std::string::npos &&
          problem.field.find("podCIDR") == std::string::npos) {
        continue;
      }
      view.unreadable = problem.field + ": " +
                        problem.sentence.substr(0, problem.sentence.find(';')) +
                        "; no PodCIDR is allocated until it is";
      break;
    }
  }
  return view;
}

Request assignment_request(const Assignment& assignment, std::chrono::milliseconds limit) {
  json annotations = json::object();
  json list = json::array();
  for (const auto& cidr : assignment.pod_cidrs) {
    const auto name = cidr.family() == Family::v4 ? kPodCidrAnnotation : kPodCidr6Annotation;
    annotations[std::string(kPrefix) + std::string(name)] = cidr.to_string();
    list.push_back(cidr.to_string());
  }
  const json body = {{"metadata",
                      {{"uid", assignment.node.uid},
                       {"resourceVersion", assignment.node.version},
                       {"annotations", annotations}}},
                     {"spec", {{"podCIDR", list.front()}, {"podCIDRs", list}}}};
  return {.method = "PATCH",
          .path = "/api/v1/nodes/" + assignment.node.name,
          .query = {{"timeout", std::to_string(limit.count()) + "ms"}},
          .content_type = "application/strategic-merge-patch+json",
          .body = body.dump(),
          .limit = limit};
}

}  // namespace pellicle
