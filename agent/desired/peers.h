// The other Nodes: to which of them this node encrypts, which pods are blocked, and why.
#pragma once

#include "agent/desired/desired.h"

namespace pellicle {

// Fields of a Node, as named in problems about them.
inline constexpr const char* kPodCidrField = "spec.podCIDR";
inline constexpr const char* kInternalIpField = "status.addresses[InternalIP]";
inline constexpr const char* kHostEncryptionField =
    "metadata.annotations[pellicle.io/host-encryption]";
const char* pod_cidr_example(Family family);
const char* router_field(Family family);  // metadata.annotations[...-cilium-host]

// What this node knows about itself directly; no Node object can take it away.
struct OwnClaims {
  std::map<Family, Cidr> pod_cidrs;  // without families whose PodCIDR is unknown or unusable
  std::vector<IpAddress> addresses;
  std::vector<Family> families;  // the families of this node; both while its Node is unknown
};

// Sets `peers`, `unready` and `claims`, and adds problems. If two other Nodes claim the same thing,
// the one that is not silent is believed, else the older one. Packets for the PodCIDR of the other
// are blocked unless a believed Node has it or it contains this node's own address. If an older
// Node claims this node's PodCIDR, this node continues to serve its own pods, sends nothing to that
// Node, and reports itself.
void read_peers(const Inputs& inputs, const OwnClaims& own, Cluster& cluster);

}  // namespace pellicle
