#include "tests/bench/cluster/node_object.h"

#include "tests/bench/text.h"
#include "tests/harness/api/seed.h"

namespace pellicle::bench {
namespace {

using api::Json;

Json empty(std::initializer_list<const char*> fields) {
  Json all = {{".", Json::object()}};
  for (const char* field : fields) all[field] = Json::object();
  return all;
}

Json manager(const char* name, const Json& fields, bool status = false) {
  Json entry = {{"manager", name},          {"operation", "Update"},
                {"apiVersion", "v1"},       {"time", "2026-11-23T01:37:28Z"},
                {"fieldsType", "FieldsV1"}, {"fieldsV1", fields}};
  if (status) entry["subresource"] = "status";
  return entry;
}

// As a kubelet, kubeadm, kube-controller-manager and an agent leave them on a kind cluster.
Json managed_fields(const std::string& cidr) {
  const Json beat = {{"f:lastHeartbeatTime", Json::object()}};
  Json ready = beat;
  for (const char* field : {"f:lastTransitionTime", "f:message", "f:reason", "f:status"})
    ready[field] = Json::object();
  Json conditions;
  for (const char* type : {"DiskPressure", "MemoryPressure", "PIDPressure"})
    conditions[std::string("k:{\"type\":\"") + type + "\"}"] = beat;
  conditions["k:{\"type\":\"Ready\"}"] = ready;
  return {
      manager(
          "kubelet",
          {{"f:metadata",
            {{"f:annotations", empty({"f:volumes.kubernetes.io/controller-managed-attach-detach"})},
             {"f:labels",
              empty({"f:beta.kubernetes.io/arch", "f:beta.kubernetes.io/os", "f:kubernetes.io/arch",
                     "f:kubernetes.io/hostname", "f:kubernetes.io/os"})}}},
           {"f:spec", {{"f:providerID", Json::object()}}}}),
      manager(
          "kubeadm",
          {{"f:metadata",
            {{"f:annotations", {{"f:kubeadm.alpha.kubernetes.io/cri-socket", Json::object()}}}}}}),
      manager(
          "kube-controller-manager",
          {{"f:metadata",
            {{"f:annotations", {{"f:node.alpha.kubernetes.io/ttl", Json::object()}}}}},
           {"f:spec",
            {{"f:podCIDR", Json::object()},
             {"f:podCIDRs", {{".", Json::object()}, {"v:\"" + cidr + "\"", Json::object()}}}}}}),
      manager("kubelet",
              {{"f:status", {{"f:conditions", conditions}, {"f:images", Json::object()}}}}, true),
      manager(
          "pellicle-agent",
          {{"f:metadata",
            {{"f:annotations",
              empty({"f:network.cilium.io/encryption-key", "f:network.cilium.io/ipv4-cilium-host",
                     "f:network.cilium.io/ipv4-pod-cidr", "f:pellicle.io/boot-id",
                     "f:pellicle.io/encrypts", "f:pellicle.io/epochs",
                     "f:pellicle.io/host-encryption", "f:pellicle.io/internal-ips"})}}}},
          true)};
}

Json images(size_t bytes) {
  constexpr size_t kOne = 200;
  auto all = Json::array();
  for (size_t size = 0; size < bytes; size += kOne) {
    const auto number = text("%06zx", size);
    all.push_back({{"names",
                    {"registry.example/library/image-" + number + "@sha256:" + std::string(64, 'a'),
                     "registry.example/library/image-" + number + ":v1.23.4"}},
                   {"sizeBytes", 70'000'000 + size}});
  }
  return all;
}

}  // namespace

std::string node_name(size_t number) {
  return text("node-%05zu", number);
}

std::string internal_ip(size_t number) {
  return dotted("172.18.", number, "");
}

std::string pod_cidr(size_t number) {
  return dotted("10.", number, ".0/24");
}

std::string node_boot_id(size_t number) {
  return text("6e9bb54f-4c2c-4b3c-9a3f-%012zx", number);
}

Json fresh_node(size_t number) {
  const auto name = node_name(number);
  const auto internal = internal_ip(number);
  const auto cidr = pod_cidr(number);
  const auto boot_id = node_boot_id(number);
  auto node = api::node_object({.name = name.c_str(),
                                .internal_ip = internal.c_str(),
                                .pod_cidr = cidr.c_str(),
                                .cilium_host = "",
                                .boot_id = boot_id.c_str()},
                               /*published=*/false);
  node["metadata"]["managedFields"] = managed_fields(cidr);
  node["status"]["images"] = images(kRealBytes - node.dump().size());
  return node;
}

Json heartbeat(Json node, size_t count) {
  for (auto& condition : node["status"]["conditions"])
    condition["lastHeartbeatTime"] = text("2026-11-23T01:%02zu:00Z", count % 60);
  return node;
}

}  // namespace pellicle::bench
