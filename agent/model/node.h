// What the agent needs to know of a Kubernetes Node.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/model/ip.h"

namespace pellicle {

struct Node {
  std::string name;
  std::string created;  // metadata.creationTimestamp, RFC 3339; orders two claims on one PodCIDR
  std::vector<Cidr> pod_cidrs;             // spec.podCIDRs, else spec.podCIDR, else the annotations
  std::optional<IpAddress> internal_ipv4;  // first InternalIP of the family
  std::optional<IpAddress> internal_ipv6;
  std::optional<IpAddress> router_ipv4;  // annotation network.cilium.io/ipv4-cilium-host
  std::optional<IpAddress> router_ipv6;  // annotation network.cilium.io/ipv6-cilium-host
  std::optional<uint8_t> key_id;         // annotation network.cilium.io/encryption-key, 1..15

  // Annotation pellicle.io/host-encryption: its agent takes ESP with packets for the node itself.
  bool accepts_host_encryption = false;

  std::optional<Cidr> pod_cidr(Family family) const;  // the first one of the family
  const std::optional<IpAddress>& internal_ip(Family family) const {
    return family == Family::v4 ? internal_ipv4 : internal_ipv6;
  }
  const std::optional<IpAddress>& router(Family family) const {
    return family == Family::v4 ? router_ipv4 : router_ipv6;
  }
  auto operator<=>(const Node&) const = default;
};

// One clear sentence about something that was handed to us and cannot be used.
struct Problem {
  std::string object;  // "Secret kube-system/cilium-ipsec-keys", "Node worker2"
  std::string
      field;  // "metadata.annotations[network.cilium.io/ipv4-cilium-host]"; empty: the whole object
  std::string sentence;  // what was expected, what is done meanwhile; never a key byte
  std::string to_string() const;
  auto operator<=>(const Problem&) const = default;
};

}  // namespace pellicle
