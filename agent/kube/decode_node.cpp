#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "agent/kube/decode_fields.h"
#include "agent/kube/taint.h"

namespace pellicle {
namespace {

using nlohmann::json;

// An address that the node chose from its PodCIDR.
struct OwnAddress {
  std::string_view annotation;
  Family family;
  NodeField field;
  const char* expected;
  std::optional<IpAddress> Node::*into;
};

constexpr OwnAddress kOwnAddresses[] = {
    {kRouterAnnotation, Family::v4, NodeField::router_ipv4,
     "the IPv4 address of cilium_host, such as 10.0.1.138", &Node::router_ipv4},
    {kRouter6Annotation, Family::v6, NodeField::router_ipv6,
     "the IPv6 address of cilium_host, such as fd00:1::8a", &Node::router_ipv6},
    {kHealthAnnotation, Family::v4, NodeField::health_ipv4,
     "the IPv4 address of the health endpoint, such as 10.0.1.36", &Node::health_ipv4},
    {kHealth6Annotation, Family::v6, NodeField::health_ipv6,
     "the IPv6 address of the health endpoint, such as fd00:1::24", &Node::health_ipv6},
};

void read_own_address(const json& object, const OwnAddress& own, Reader& reader) {
  const auto found = annotation(object, own.annotation);
  if (!found) return;
  const auto one = address(*found->value);
  if (!one || one->family() != own.family || one->is_any()) {
    return reader.refuse(own.field, found->field, own.expected);
  }
  reader.out.node.*own.into = one;
}

void read_key_id(const json& object, Reader& reader) {
  const auto found = annotation(object, kKeyAnnotation);
  if (!found || *found->value == "0") return;  // Cilium's "0": the node does not encrypt
  unsigned id = 0;
  bool good = false;
  if (found->value->is_string()) {
    const auto& text = found->value->get_ref<const std::string&>();
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), id);
    good = parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
  }
  if (!good || id < 1 || id > 15) {
    return reader.refuse(NodeField::key_id, found->field, "a key id from 1 to 15");
  }
  reader.out.node.key_id = static_cast<uint8_t>(id);
}

void read_annotations(const json& object, Reader& reader) {
  const auto& all = member(member(object, "metadata"), "annotations");
  if (!all.is_object()) return;
  // Any other value is from an agent that gives it another meaning, so it does not count.
  reader.out.node.accepts_host_encryption =
      member(all, std::string(kHostEncryptionAnnotation)) == kHostEncryptionAccepted;
  const auto& encrypts = member(all, std::string(kEncryptsAnnotation));
  reader.out.node.encrypts_nodes = encrypts == kEncryptsNodes;
  reader.out.node.encrypts_pods = encrypts == kEncryptsPods || encrypts == kEncryptsNodes;
  for (const auto& [name, value] : all.items()) {
    if (!value.is_string()) continue;
    if (name.starts_with(kPrefix) || name.starts_with(kOwnPrefix)) {
      reader.out.annotations[name] = value.get<std::string>();
    }
  }
}

// "True", "False" or "Unknown"; empty when the Node lacks the condition.
std::string condition(const json& object, std::string_view type) {
  const auto& all = member(member(object, "status"), "conditions");
  if (!all.is_array()) return "";
  for (const auto& each : all) {
    const auto& status = member(each, "status");
    if (member(each, "type") == type && status.is_string()) return status.get<std::string>();
  }
  return "";
}

bool has_not_ready_taint(const json& object) {
  const auto& taints = member(member(object, "spec"), "taints");
  return taints.is_array() && std::any_of(taints.begin(), taints.end(), [](const json& taint) {
           return member(taint, "key") == kNotReadyTaint;
         });
}

}  // namespace

DecodedNode decode_node(const ApiObject& object, const std::vector<Cidr>& preferred) {
  DecodedNode out;
  out.node.name = object.name;
  const auto parsed = json::parse(object.text, nullptr, /*allow_exceptions=*/false);
  const auto& created = member(member(parsed, "metadata"), "creationTimestamp");
  if (created.is_string()) out.node.created = created.get<std::string>();
  Reader reader{out};
  read_pod_cidrs(parsed, reader);
  read_internal_ips(parsed, object.metadata_only, preferred, reader);
  for (const auto& own : kOwnAddresses) read_own_address(parsed, own, reader);
  read_key_id(parsed, reader);
  read_pair_keys(member(member(parsed, "metadata"), "annotations"), reader);
  read_annotations(parsed, reader);
  out.node.silent = condition(parsed, kReadyCondition) == "Unknown";
  out.not_ready_taint = has_not_ready_taint(parsed);
  const auto unavailable = condition(parsed, kNetworkUnavailableCondition);
  out.network_unavailable = !unavailable.empty() && unavailable != "False";
  return out;
}

Node merged(const Node& last_good, const DecodedNode& decoded) {
  Node node = decoded.node;
  for (const auto field : decoded.malformed) {
    switch (field) {
      case NodeField::pod_cidrs:
        node.pod_cidrs = last_good.pod_cidrs;
        break;
      case NodeField::internal_ipv4:
        node.internal_ipv4 = last_good.internal_ipv4;
        break;
      case NodeField::internal_ipv6:
        node.internal_ipv6 = last_good.internal_ipv6;
        break;
      case NodeField::router_ipv6:
        node.router_ipv6 = last_good.router_ipv6;
        break;
      case NodeField::router_ipv4:
        node.router_ipv4 = last_good.router_ipv4;
        break;
      case NodeField::health_ipv4:
        node.health_ipv4 = last_good.health_ipv4;
        break;
      case NodeField::health_ipv6:
        node.health_ipv6 = last_good.health_ipv6;
        break;
      case NodeField::key_id:
        node.key_id = last_good.key_id;
        break;
      case NodeField::boot_id:
        node.boot_id = last_good.boot_id;
        break;
      case NodeField::epochs:
        node.epochs = last_good.epochs;
        break;
      case NodeField::receives:
        node.receives = last_good.receives;
        break;
    }
  }
  return node;
}

}  // namespace pellicle
