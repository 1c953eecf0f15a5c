// What the agent needs from a Kubernetes Node.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "agent/model/ip.h"

namespace pellicle {

// One life of a node's send counters under pair keys. A sender that cannot continue its counters
// begins a new epoch. Its own generation changes every key; its own SPI lets receivers hold the
// states of both epochs for a while.
struct Epoch {
  uint32_t spi = 0;         // for key id 0; the key id is in the last four bits
  uint64_t generation = 0;  // 0: not part of key derivation, as with Cilium
  uint32_t spi_of(uint8_t key_id) const { return spi | key_id; }
  auto operator<=>(const Epoch&) const = default;
};
inline bool is_of(const Epoch& epoch, uint32_t spi) {  // an SPI of the epoch, with any key id
  return (spi & ~0xfU) == epoch.spi;
}
inline bool same_epoch(uint32_t spi, uint32_t other) {
  return (spi & ~0xfU) == (other & ~0xfU);
}
inline constexpr size_t kMostEpochs = 4;  // that a node may announce at once
bool is_epoch_spi(uint32_t spi);          // 0x1......0
bool is_boot_id(const std::string& text);

struct Node {
  std::string name;
  std::string created;  // metadata.creationTimestamp, RFC 3339; orders two claims on one PodCIDR
  std::vector<Cidr> pod_cidrs;             // spec.podCIDRs, else spec.podCIDR, else the annotations
  std::optional<IpAddress> internal_ipv4;  // the family's first InternalIP
  std::optional<IpAddress> internal_ipv6;
  std::optional<IpAddress> router_ipv4;  // annotation network.cilium.io/ipv4-cilium-host
  std::optional<IpAddress> router_ipv6;  // annotation network.cilium.io/ipv6-cilium-host
  // Annotations network.cilium.io/ipv4-health-ip and ipv6-health-ip: addresses of its health
  // endpoint.
  std::optional<IpAddress> health_ipv4;
  std::optional<IpAddress> health_ipv6;
  // Annotation network.cilium.io/encryption-key, 1..15: it receives with this key from every node.
  std::optional<uint8_t> key_id;
  std::string boot_id;          // annotation pellicle.io/boot-id, 36 characters; empty: unknown
  std::vector<Epoch> epochs;    // annotation pellicle.io/epochs: what it may send with, newest last
  std::set<uint32_t> receives;  // annotation pellicle.io/receives: SPIs of other nodes' new epochs

  // Annotation pellicle.io/host-encryption: its agent accepts ESP for the node's own address.
  bool accepts_host_encryption = false;

  // Annotation pellicle.io/encrypts, "pods" or "pods nodes": its packets from pods to other nodes'
  // pods leave as ESP or not at all. With "nodes" also those between pods and nodes.
  bool encrypts_pods = false;
  bool encrypts_nodes = false;
  // Condition Ready is Unknown: the node has not reported for a while.
  bool silent = false;

  std::optional<Cidr> pod_cidr(Family family) const;  // the family's first
  const std::optional<IpAddress>& internal_ip(Family family) const {
    return family == Family::v4 ? internal_ipv4 : internal_ipv6;
  }
  const std::optional<IpAddress>& router(Family family) const {
    return family == Family::v4 ? router_ipv4 : router_ipv6;
  }
  const std::optional<IpAddress>& health(Family family) const {
    return family == Family::v4 ? health_ipv4 : health_ipv6;
  }
  auto operator<=>(const Node&) const = default;
};

inline bool older(const Node& a, const Node& b) {
  return std::tie(a.created, a.name) < std::tie(b.created, b.name);
}

// Which of two Nodes' claims on one address or network is believed. A machine that was set up again
// under a new name leaves behind a Node that is older and silent.
inline bool believed_before(const Node& a, const Node& b) {
  return a.silent != b.silent ? b.silent : older(a, b);
}

// One clear sentence about an input that cannot be used.
struct Problem {
  std::string object;  // "Secret kube-system/cilium-ipsec-keys", "Node worker2"
  std::string
      field;  // "metadata.annotations[network.cilium.io/ipv4-cilium-host]"; empty: the whole object
  std::string sentence;  // what was expected, and what happens meanwhile; never a key byte
  std::string to_string() const;
  auto operator<=>(const Problem&) const = default;
};

}  // namespace pellicle
