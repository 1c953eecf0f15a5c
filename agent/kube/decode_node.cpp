#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "agent/kube/decode_fields.h"
#include "agent/kube/taint.h"

namespace pellicle {
namespace {

using nlohmann::json;

const json& member(const json& object, const std::string& name) {
  static const json kNone;
  if (!object.is_object()) return kNone;
  const auto found = object.find(name);
  return found == object.end() ? kNone : *found;
}

// An empty string counts as not set.
bool unset(const json& value) {
  return value.is_null() || (value.is_string() && value.get_ref<const std::string&>().empty());
}

struct Annotation {
  std::string field;  // "metadata.annotations[network.cilium.io/encryption-key]"
  const json* value = nullptr;
};

std::optional<Annotation> annotation(const json& object, std::string_view name) {
  const auto& all = member(member(object, "metadata"), "annotations");
  for (const auto prefix : {kPrefix, kOldPrefix}) {
    const auto full = std::string(prefix) + std::string(name);
    const auto& value = member(all, full);
    if (unset(value)) continue;
    return Annotation{.field = "metadata.annotations[" + full + "]", .value = &value};
  }
  return std::nullopt;
}

std::optional<Cidr> cidr(const json& value) {
  return value.is_string() ? Cidr::parse(value.get_ref<const std::string&>()) : std::nullopt;
}

std::optional<IpAddress> address(const json& value) {
  return value.is_string() ? IpAddress::parse(value.get_ref<const std::string&>()) : std::nullopt;
}

void read_spec_cidrs(const json& list, Reader& reader) {
  std::vector<Cidr> cidrs;
  for (size_t i = 0; i < list.size(); ++i) {
    const auto one = cidr(list[i]);
    if (!one) {
      return reader.refuse(NodeField::pod_cidrs, "spec.podCIDRs[" + std::to_string(i) + "]",
                           "a network such as 10.0.1.0/24, without host bits");
    }
    cidrs.push_back(*one);
  }
  reader.out.node.pod_cidrs = std::move(cidrs);
}

void read_annotated_cidrs(const json& object, Reader& reader) {
  std::vector<Cidr> cidrs;
  for (const auto& [name, family] :
       {std::pair(kPodCidrAnnotation, Family::v4), std::pair(kPodCidr6Annotation, Family::v6)}) {
    const auto found = annotation(object, name);
    if (!found) continue;
    const auto one = cidr(*found->value);
    if (!one || one->family() != family) {
      reader.refuse(NodeField::pod_cidrs, found->field,
                    family == Family::v4
                        ? "an IPv4 network such as 10.0.1.0/24, without host bits"
                        : "an IPv6 network such as fd00:1::/64, without host bits");
      continue;
    }
    cidrs.push_back(*one);
  }
  if (!reader.out.malformed.contains(NodeField::pod_cidrs)) {
    reader.out.node.pod_cidrs = std::move(cidrs);
  }
}

void read_pod_cidrs(const json& object, Reader& reader) {
  const auto& spec = member(object, "spec");
  const auto& list = member(spec, "podCIDRs");
  const auto& single = member(spec, "podCIDR");
  if (list.is_array() && !list.empty()) {
    read_spec_cidrs(list, reader);
  } else if (!list.is_null() && !list.is_array()) {
    reader.refuse(NodeField::pod_cidrs, "spec.podCIDRs", "a list of networks");
  } else if (!unset(single)) {
    if (const auto one = cidr(single)) {
      reader.out.node.pod_cidrs = {*one};
    } else {
      reader.refuse(NodeField::pod_cidrs, "spec.podCIDR",
                    "a network such as 10.0.1.0/24, without host bits");
    }
  } else {
    read_annotated_cidrs(object, reader);
  }
}

std::optional<IpAddress> chosen(const std::vector<IpAddress>& addresses,
                                const std::vector<Cidr>& preferred) {
  for (const auto& network : preferred) {
    const auto found = std::find_if(addresses.begin(), addresses.end(),
                                    [&](const IpAddress& one) { return network.contains(one); });
    if (found != addresses.end()) return *found;
  }
  return addresses.empty() ? std::nullopt : std::optional(addresses.front());
}

void read_internal_ips(const json& object, const std::vector<Cidr>& preferred, Reader& reader) {
  const auto& addresses = member(member(object, "status"), "addresses");
  if (!addresses.is_array()) return;
  auto& node = reader.out.node;
  std::vector<IpAddress> v4, v6;
  for (size_t i = 0; i < addresses.size(); ++i) {
    if (member(addresses[i], "type") != "InternalIP") continue;
    const auto one = address(member(addresses[i], "address"));
    if (!one) {
      // The intended family is unknown, so both are malformed.
      reader.refuse(NodeField::internal_ipv4, "status.addresses[" + std::to_string(i) + "].address",
                    "an IP address");
      reader.out.malformed.insert(NodeField::internal_ipv6);
      continue;
    }
    (one->family() == Family::v4 ? v4 : v6).push_back(*one);
  }
  node.internal_ipv4 = chosen(v4, preferred);
  node.internal_ipv6 = chosen(v6, preferred);
  // One good address of the family is enough, even beside malformed ones.
  if (node.internal_ipv4) reader.out.malformed.erase(NodeField::internal_ipv4);
  if (node.internal_ipv6) reader.out.malformed.erase(NodeField::internal_ipv6);
}

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
  read_internal_ips(parsed, preferred, reader);
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
