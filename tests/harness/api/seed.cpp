#include "tests/harness/api/seed.h"

#include "tests/harness/api/encoding.h"

namespace pellicle::api {
namespace {

constexpr const char* kBootTime = "2022-12-04T06:58:12Z";

Json condition(const char* type, const char* status, const char* reason, const char* message) {
  return {{"type", type},
          {"status", status},
          {"lastHeartbeatTime", kBootTime},
          {"lastTransitionTime", kBootTime},
          {"reason", reason},
          {"message", message}};
}

Json metadata_of(const SeedNode& node, bool published) {
  Json labels = {{"beta.kubernetes.io/arch", "amd64"},
                 {"beta.kubernetes.io/os", "linux"},
                 {"kubernetes.io/arch", "amd64"},
                 {"kubernetes.io/hostname", node.name},
                 {"kubernetes.io/os", "linux"}};
  if (node.control_plane) labels["node-role.kubernetes.io/control-plane"] = "";
  Json annotations = {
      {"kubeadm.alpha.kubernetes.io/cri-socket", "unix:///run/containerd/containerd.sock"},
      {"node.alpha.kubernetes.io/ttl", "0"},
      {"volumes.kubernetes.io/controller-managed-attach-detach", "true"}};
  if (published) annotations["network.cilium.io/ipv4-cilium-host"] = node.cilium_host;
  const std::string cidr_field = std::string("v:\"") + node.pod_cidr + "\"";
  const Json fields = {{"f:spec",
                        {{"f:podCIDR", Json::object()},
                         {"f:podCIDRs", {{".", Json::object()}, {cidr_field, Json::object()}}}}}};
  return {{"name", node.name},
          {"labels", labels},
          {"annotations", annotations},
          {"managedFields", Json::array({{{"manager", "kube-controller-manager"},
                                          {"operation", "Update"},
                                          {"apiVersion", "v1"},
                                          {"time", kBootTime},
                                          {"fieldsType", "FieldsV1"},
                                          {"fieldsV1", fields}}})}};
}

Json spec_of(const SeedNode& node) {
  Json spec = {
      {"podCIDR", node.pod_cidr},
      {"podCIDRs", Json::array({node.pod_cidr})},
      {"providerID", std::string("kind://docker/cilium-ipsec-native-routing/") + node.name}};
  if (node.control_plane)
    spec["taints"] =
        Json::array({{{"key", "node-role.kubernetes.io/master"}, {"effect", "NoSchedule"}}});
  return spec;
}

Json status_of(const SeedNode& node) {
  const Json capacity = {
      {"cpu", "4"}, {"ephemeral-storage", "61255492Ki"}, {"memory", "8145612Ki"}, {"pods", "110"}};
  Json status = empty_node_status();
  status["addresses"] = Json::array({{{"type", "InternalIP"}, {"address", node.internal_ip}},
                                     {{"type", "Hostname"}, {"address", node.name}}});
  status["allocatable"] = capacity;
  status["capacity"] = capacity;
  status["conditions"] =
      Json::array({condition("MemoryPressure", "False", "KubeletHasSufficientMemory",
                             "kubelet has sufficient memory available"),
                   condition("Ready", "True", "KubeletReady", "kubelet is posting ready status")});
  status["daemonEndpoints"]["kubeletEndpoint"]["Port"] = 10250;
  status["nodeInfo"] = {{"machineID", "5f1e4c7a9a3d4c52a1f0b7c1d2e3f405"},
                        {"systemUUID", "0b7f2c68-8a1c-4a51-9a61-1f6f2f0d7c11"},
                        {"bootID", node.boot_id},
                        {"kernelVersion", "5.11.5"},
                        {"osImage", "Ubuntu 21.10"},
                        {"containerRuntimeVersion", "containerd://1.5.10"},
                        {"kubeletVersion", "v1.23.4"},
                        {"kubeProxyVersion", "v1.23.4"},
                        {"operatingSystem", "linux"},
                        {"architecture", "amd64"}};
  return status;
}

std::string kubeconfig_text(const std::string& server, const std::string& ca_pem,
                            const std::string& user) {
  return "apiVersion: v1\n"
         "kind: Config\n"
         "clusters:\n"
         "- name: test\n"
         "  cluster:\n"
         "    server: " +
         server +
         "\n"
         "    certificate-authority-data: " +
         base64(ca_pem) +
         "\n"
         "users:\n"
         "- name: test\n"
         "  user:\n" +
         user +
         "contexts:\n"
         "- name: test\n"
         "  context:\n"
         "    cluster: test\n"
         "    user: test\n"
         "current-context: test\n";
}

}  // namespace

Json node_object(const SeedNode& node, bool published) {
  return {{"kind", "Node"},
          {"apiVersion", "v1"},
          {"metadata", metadata_of(node, published)},
          {"spec", spec_of(node)},
          {"status", status_of(node)}};
}

Json key_secret(const std::string& key_line) {
  return {{"kind", "Secret"},
          {"apiVersion", "v1"},
          {"metadata", {{"name", "cilium-ipsec-keys"}, {"namespace", "kube-system"}}},
          {"data", {{"keys", base64(key_line)}}},
          {"type", "Opaque"}};
}

std::string kubeconfig(const std::string& server, const std::string& ca_pem,
                       const std::string& token) {
  return kubeconfig_text(server, ca_pem, "    token: " + token + "\n");
}

std::string kubeconfig(const std::string& server, const std::string& ca_pem,
                       const Certificate& user) {
  return kubeconfig_text(server, ca_pem,
                         "    client-certificate-data: " + base64(user.certificate_pem) +
                             "\n    client-key-data: " + base64(user.key_pem) + "\n");
}

}  // namespace pellicle::api
