#include "tests/harness/api/resource.h"

#include <array>
#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/uuid_io.hpp>
#include <ctime>
#include <stdexcept>

namespace pellicle::api {

const Resource* find_resource(std::string_view plural) {
  for (const Resource* resource : kResources)
    if (resource->plural == plural) return resource;
  return nullptr;
}

const Resource& resource_of(const Json& object) {
  const std::string kind = object.value("kind", "");
  for (const Resource* resource : kResources)
    if (resource->kind == kind) return *resource;
  throw std::invalid_argument("an object of kind \"" + kind + "\" is not served here");
}

ObjectKey node_key(std::string name) {
  return {.resource = std::string(kNodes.plural), .ns = "", .name = std::move(name)};
}

ObjectKey secret_key(std::string ns, std::string name) {
  return {.resource = std::string(kSecrets.plural), .ns = std::move(ns), .name = std::move(name)};
}

ObjectKey lease_key(std::string ns, std::string name) {
  return {.resource = std::string(kLeases.plural), .ns = std::move(ns), .name = std::move(name)};
}

ObjectKey key_of(const Json& object) {
  const Resource& resource = resource_of(object);
  const Json metadata = object.value("metadata", Json::object());
  return {.resource = std::string(resource.plural),
          .ns = resource.namespaced ? metadata.value("namespace", "default") : "",
          .name = metadata.value("name", "")};
}

Json with_kind(Json object, const Resource& resource) {
  object["kind"] = resource.kind;
  object["apiVersion"] = resource.api_version();
  return object;
}

Json empty_node_status() {
  return {{"daemonEndpoints", {{"kubeletEndpoint", {{"Port", 0}}}}},
          {"nodeInfo",
           {{"machineID", ""},
            {"systemUUID", ""},
            {"bootID", ""},
            {"kernelVersion", ""},
            {"osImage", ""},
            {"containerRuntimeVersion", ""},
            {"kubeletVersion", ""},
            {"kubeProxyVersion", ""},
            {"operatingSystem", ""},
            {"architecture", ""}}}};
}

std::string new_uid() {
  return boost::uuids::to_string(boost::uuids::random_generator()());
}

std::string timestamp_now() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text.data();
}

}  // namespace pellicle::api
