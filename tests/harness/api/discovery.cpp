#include "tests/harness/api/discovery.h"

#include <string_view>

namespace pellicle::api {
namespace {

Json resource_entry(const Resource& resource, const char* short_name) {
  Json entry = {{"name", resource.plural},
                {"singularName", ""},
                {"namespaced", resource.namespaced},
                {"kind", resource.kind},
                {"verbs", {"create", "delete", "get", "list", "patch", "update", "watch"}}};
  if (short_name != nullptr) entry["shortNames"] = Json::array({short_name});
  return entry;
}

Json core_resources() {
  return {{"kind", "APIResourceList"},
          {"groupVersion", "v1"},
          {"resources",
           {resource_entry(kNodes, "no"),
            {{"name", "nodes/status"},
             {"singularName", ""},
             {"namespaced", false},
             {"kind", "Node"},
             {"verbs", {"get", "patch", "update"}}},
            resource_entry(kSecrets, nullptr),
            resource_entry(kEvents, "ev"),
            resource_entry(kPods, "po")}}};
}

Json lease_group() {
  const Json version = {{"groupVersion", kLeases.api_version()}, {"version", "v1"}};
  return {
      {"name", kLeases.group}, {"versions", Json::array({version})}, {"preferredVersion", version}};
}

Json lease_resources() {
  return {{"kind", "APIResourceList"},
          {"apiVersion", "v1"},
          {"groupVersion", kLeases.api_version()},
          {"resources", Json::array({resource_entry(kLeases, nullptr)})}};
}

Json server_version() {
  return {{"major", "1"},
          {"minor", "23"},
          {"gitVersion", "v1.23.4"},  // the seed's cluster
          {"gitCommit", "$Format:%H$"},
          {"gitTreeState", ""},
          {"buildDate", "1970-01-01T00:00:00Z"},
          {"goVersion", "none"},
          {"compiler", "none"},
          {"platform", "linux/amd64"}};
}

}  // namespace

std::optional<Response> discovery(const std::string& path) {
  if (path == "/healthz" || path == "/readyz" || path == "/livez")
    return Response{.body = "ok", .content_type = "text/plain; charset=utf-8"};
  if (path == "/version") return json_response(200, server_version());
  if (path == "/api")
    return json_response(200, {{"kind", "APIVersions"},
                               {"versions", {"v1"}},
                               {"serverAddressByClientCIDRs", Json::array()}});
  if (path == "/apis")
    return json_response(
        200,
        {{"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", Json::array({lease_group()})}});
  if (path == "/apis/coordination.k8s.io/v1") return json_response(200, lease_resources());
  if (path == "/api/v1") return json_response(200, core_resources());
  return std::nullopt;
}

}  // namespace pellicle::api
