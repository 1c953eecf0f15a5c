// Which networks and addresses a Node has: in full from spec and status, of its metadata alone from
// annotations.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "agent/kube/decode_fields.h"

namespace pellicle {
namespace {

using nlohmann::json;

std::optional<Cidr> cidr(const json& value) {
  return value.is_string() ? Cidr::parse(value.get_ref<const std::string&>()) : std::nullopt;
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

std::optional<IpAddress> chosen(const std::vector<IpAddress>& addresses,
                                const std::vector<Cidr>& preferred) {
  for (const auto& network : preferred) {
    const auto found = std::find_if(addresses.begin(), addresses.end(),
                                    [&](const IpAddress& one) { return network.contains(one); });
    if (found != addresses.end()) return *found;
  }
  return addresses.empty() ? std::nullopt : std::optional(addresses.front());
}

// A text that should be an InternalIP, and where it stands.
struct WrittenIp {
  std::string field;
  json value;
};

std::optional<std::vector<WrittenIp>> ips_of_status(const json& addresses) {
  std::vector<WrittenIp> all;
  if (!addresses.is_array()) return all;
  for (size_t i = 0; i < addresses.size(); ++i) {
    if (member(addresses[i], "type") != "InternalIP") continue;
    all.push_back(
        {"status.addresses[" + std::to_string(i) + "].address", member(addresses[i], "address")});
  }
  return all;
}

// nullopt: the node does not publish them.
std::optional<std::vector<WrittenIp>> ips_of_annotation(const json& object) {
  const std::string name(kInternalIpsAnnotation);
  const auto& value = member(member(member(object, "metadata"), "annotations"), name);
  if (unset(value)) return std::nullopt;
  const auto field = "metadata.annotations[" + name + "]";
  std::vector<WrittenIp> all;
  if (!value.is_string()) return std::vector{WrittenIp{field, value}};
  std::istringstream words(value.get<std::string>());
  for (std::string word; words >> word;) all.push_back({field, word});
  return all;
}

}  // namespace

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

void read_internal_ips(const json& object, bool metadata_only, const std::vector<Cidr>& preferred,
                       Reader& reader) {
  const auto written = metadata_only ? ips_of_annotation(object)
                                     : ips_of_status(member(member(object, "status"), "addresses"));
  reader.out.lacks_addresses = !written;
  if (!written) return;
  auto& node = reader.out.node;
  std::vector<IpAddress> v4, v6;
  for (const auto& [field, value] : *written) {
    const auto one = address(value);
    if (!one) {
      // The intended family is unknown, so both are malformed.
      reader.refuse(NodeField::internal_ipv4, field, "an IP address");
      reader.out.malformed.insert(NodeField::internal_ipv6);
      continue;
    }
    (one->family() == Family::v4 ? v4 : v6).push_back(*one);
    reader.out.internal_ips.push_back(value.get<std::string>());
  }
  node.internal_ipv4 = chosen(v4, preferred);
  node.internal_ipv6 = chosen(v6, preferred);
  // One good address of the family is enough, even beside malformed ones.
  if (node.internal_ipv4) reader.out.malformed.erase(NodeField::internal_ipv4);
  if (node.internal_ipv6) reader.out.malformed.erase(NodeField::internal_ipv6);
}

}  // namespace pellicle
