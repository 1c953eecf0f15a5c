// The kinds of object that this API serves, and the name of one object.
#pragma once

#include <array>
#include <compare>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace pellicle::api {

using Json = nlohmann::json;

struct Resource {
  std::string_view plural;  // in paths and messages: "nodes"
  std::string_view kind;    // in objects: "Node"
  bool namespaced = false;
  std::string_view group{};  // API group; empty: core

  // As in objects: "v1", "coordination.k8s.io/v1".
  std::string api_version() const { return group.empty() ? "v1" : std::string(group) + "/v1"; }
};

inline constexpr Resource kNodes{"nodes", "Node", false};
inline constexpr Resource kSecrets{"secrets", "Secret", true};
inline constexpr Resource kEvents{"events", "Event", true};
inline constexpr Resource kLeases{"leases", "Lease", true, "coordination.k8s.io"};
inline constexpr Resource kDaemonSets{"daemonsets", "DaemonSet", true, "apps"};
inline constexpr Resource kPods{"pods", "Pod", true};
inline constexpr std::array<const Resource*, 6> kResources = {&kNodes,  &kSecrets,    &kEvents,
                                                              &kLeases, &kDaemonSets, &kPods};

const Resource* find_resource(std::string_view plural);  // null: not served
const Resource& resource_of(const Json& object);  // by its `kind`; throws std::invalid_argument

struct ObjectKey {
  std::string resource;  // plural
  std::string ns;        // empty for cluster-scoped objects
  std::string name;
  auto operator<=>(const ObjectKey&) const = default;
};

ObjectKey node_key(std::string name);
ObjectKey secret_key(std::string ns, std::string name);
ObjectKey lease_key(std::string ns, std::string name);
ObjectKey key_of(const Json& object);  // throws std::invalid_argument

// A copy with `kind` and `apiVersion`, as in single objects and watch events; the items of a list
// have neither.
Json with_kind(Json object, const Resource& resource);

// The fields that a real kube-apiserver (1.36 seen) writes into every Node, set or not.
Json empty_node_status();

// A random version 4 UUID as text.
std::string new_uid();

// Now, in the format of metadata.creationTimestamp: "2026-11-23T01:37:28Z".
std::string timestamp_now();

}  // namespace pellicle::api
