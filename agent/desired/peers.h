// The other Nodes: whom this node encrypts to, whose pods it drops packets for, and why.
#pragma once

#include "agent/desired/desired.h"

namespace pellicle {

// Where in a Node what is said of it is written.
inline constexpr const char* kPodCidrField = "spec.podCIDR";
inline constexpr const char* kInternalIpField = "status.addresses[InternalIP]";
inline constexpr const char* kHostEncryptionField =
    "metadata.annotations[pellicle.io/host-encryption]";
const char* pod_cidr_example(Family family);
const char* router_field(Family family);  // metadata.annotations[...-cilium-host]

// What this node knows of itself first hand; no Node object can take it away.
struct OwnClaims {
  std::map<Family, Cidr> pod_cidrs;  // not while one is unknown or unusable
  std::vector<IpAddress> addresses;
  std::vector<Family> families;  // those that this node has; both while nothing is known of it
};

// Fills in `peers`, `unready`, `claims` and problems. Of two other Nodes that claim one thing, the
// one that is not silent is believed; else the older one is. Packets for the other's PodCIDR are
// dropped, where no believed Node has it, unless this node's own address lies in it. When an older
// Node claims this node's PodCIDR, this node goes on serving its own pods, sends nothing to that
// Node, and reports itself.
void read_peers(const Inputs& inputs, const OwnClaims& own, Cluster& cluster);

}  // namespace pellicle
