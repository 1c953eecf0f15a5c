// Computes what this kernel must hold from what the cluster announces: pure functions, one per
// table.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/desired/claims.h"
#include "agent/model/contract.h"
#include "agent/model/inputs.h"
#include "agent/model/kernel_state.h"

namespace pellicle {

// One OUT state and the policies that lead to it. A pair's state and policies have no mark: the
// kernel encrypts every packet between the two PodCIDRs, and one policy names the state in use. In
// the plain form state and policies have the key id's mark, as in the seed; so do those that an
// earlier version of the agent made for a pair.
struct Way {
  uint8_t key_id = 0;  // in the mark that the eBPF programs set
  uint32_t spi = 0;    // in the policies' template
  bool marked = false;
  Mark mark() const { return marked ? encrypt_mark(key_id) : Mark{}; }  // of state and policies
  auto operator<=>(const Way&) const = default;
};

// A peer to which packets may be encrypted: everything about it is known and nothing contradicts
// it.
struct Peer {
  std::string name;
  Cidr pod_cidr;
  IpAddress internal_ip;
  IpAddress router;
  bool accepts_host_encryption = false;
  Node node = {};  // the Node, for what it announces about its keys
  // How this node may send to it: one way per key id, oldest key first. `key_id` is the one that
  // packets are marked for. See ways.h.
  std::vector<Way> ways = {};
  uint8_t key_id = 0;      // 0: nothing may be sent, packets are dropped and counted
  const Way* way() const;  // the one with `key_id`; null: nothing may be sent
  // Next hop to its node, also used for packets to its pods; nullopt: other software makes the
  // routes.
  std::optional<NextHop> next_hop = {};
  std::optional<PathMtu> path = {};  // set if narrower than the uplink
  bool operator==(const Peer&) const = default;
};

// This node in one family, with everything known.
using OwnNetwork = DatapathConfig::Network;

// The cluster as this node sees it.
struct Cluster {
  std::optional<Node> self;
  std::map<Family, OwnNetwork> own;  // the families in which this node has pods
  // A family in which this node has pods is missing from `own`; `problems` gives the reason.
  bool incomplete = false;
  std::optional<HostFacts::Uplink> uplink;
  std::vector<Peer> peers;    // by name, IPv4 first; a dual-stack Node appears once per family
  std::vector<Cidr> unready;  // PodCIDRs of Nodes to which nothing can be encrypted yet: blocked
  std::vector<Problem> problems;
  Claims claims;          // the believed PodCIDRs and InternalIPs, including this node's
  bool disputed = false;  // some claim is not believed
  // A peer will move to a better way once the kernel has the objects that it needs.
  bool waiting = false;
};

// Reads the Inputs as a cluster; the result does not depend on the order in which things became
// known. A Node has a family if it has a PodCIDR of it. This node also has a family if cilium_host
// has an address of it: a programmed family stays even if the PodCIDR is missing. If two Nodes
// claim overlapping PodCIDRs, the older one (creation time, then name) is believed and the other is
// reported.
Cluster cluster(const Inputs& inputs);

// The kernel state for these inputs. While this node's own PodCIDR, address or uplink is unknown,
// only the block policy is desired and `problems` gives the reason.
struct Desired {
  KernelState state;
  Cluster cluster;                // what the state was computed from
  std::vector<Problem> problems;  // the cluster's and those found while computing the state
};
Desired compute(const Inputs& inputs);

// The desired state before anything is known of the cluster: the block policy, and `actual` with
// the corrections that need no knowledge of it. Removes nothing.
KernelState kept(const KernelState& actual);

// This node's part of cluster(inputs).own, computed without the peers.
std::map<Family, OwnNetwork> own_networks(const Inputs& inputs);

// Kernel objects of one pod of this node, besides its own wiring. compute() includes them for every
// pod.
KernelState pod_objects(const Endpoint& endpoint, const HostFacts& host, const Settings& settings);

// The largest inner packet that fits the uplink's MTU after ESP in tunnel mode: 1446 for rfc4106
// with a 128-bit ICV over IPv4 and 1500 (as the kernel's esp4: block-aligned, two trailer bytes).
uint32_t inner_mtu(uint32_t uplink_mtu, const Algorithm& algorithm, Family outer);
// The reverse: the least outer MTU for an inner packet of this length.
uint32_t outer_mtu(uint32_t inner, const Algorithm& algorithm, Family outer);

}  // namespace pellicle
