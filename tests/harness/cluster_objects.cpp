#include "tests/harness/cluster_objects.h"

#include <nlohmann/json.hpp>

#include "agent/kube/base64.h"
#include "agent/kube/publish.h"

namespace pellicle {

namespace {

std::string hex(const SecretBytes& bytes) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < bytes.size(); ++i) {
    text += kDigits[bytes.data()[i] >> 4];
    text += kDigits[bytes.data()[i] & 15];
  }
  return text;
}

// The annotations by which a node announces itself.
Annotations announced(const Node& node) {
  Annotations all;
  const auto set = [&](std::string_view name, const std::optional<IpAddress>& address) {
    if (address) all[std::string(kPrefix) + std::string(name)] = address->to_string();
  };
  set(kRouterAnnotation, node.router_ipv4);
  set(kRouter6Annotation, node.router_ipv6);
  set(kHealthAnnotation, node.health_ipv4);
  set(kHealth6Annotation, node.health_ipv6);
  if (node.key_id) {
    all[std::string(kPrefix) + std::string(kKeyAnnotation)] = std::to_string(*node.key_id);
  }
  if (!node.boot_id.empty()) {
    all.merge(published({.boot_id = node.boot_id, .epochs = node.epochs}, node.receives, {}));
  }
  if (node.encrypts_pods) {
    all[std::string(kEncryptsAnnotation)] = node.encrypts_nodes ? kEncryptsNodes : kEncryptsPods;
  }
  if (node.accepts_host_encryption) {
    all[std::string(kHostEncryptionAnnotation)] = kHostEncryptionAccepted;
  }
  return all;
}

}  // namespace

ApiObject node_object(const Node& node) {
  auto addresses = nlohmann::json::array(), cidrs = nlohmann::json::array();
  for (const Family family : kFamilies) {
    if (const auto& ip = node.internal_ip(family)) {
      addresses.push_back({{"type", "InternalIP"}, {"address", ip->to_string()}});
    }
  }
  for (const auto& cidr : node.pod_cidrs) cidrs.push_back(cidr.to_string());
  const nlohmann::json object{{"metadata",
                               {{"name", node.name},
                                {"creationTimestamp", node.created},
                                {"annotations", announced(node)}}},
                              {"spec", {{"podCIDRs", cidrs}}},
                              {"status", {{"addresses", addresses}}}};
  return {.name = node.name, .text = object.dump()};
}

ApiObject secret_object(const IpsecKey& key) {
  const auto& aead = std::get<Aead>(key.algorithm);
  const auto line = std::to_string(key.id) + (key.per_pair ? "+ " : " ") + aead.name + " " +
                    hex(aead.key) + " " + std::to_string(aead.icv_bits);
  const nlohmann::json object{
      {"metadata", {{"name", "cilium-ipsec-keys"}, {"namespace", "kube-system"}}},
      {"data", {{"keys", to_base64(line)}}}};
  return {.name = "kube-system/cilium-ipsec-keys", .text = object.dump()};
}

}  // namespace pellicle
