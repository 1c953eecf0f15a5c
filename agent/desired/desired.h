// From what the cluster says to what this kernel must hold: pure functions, one a table.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/desired/claims.h"
#include "agent/model/inputs.h"
#include "agent/model/kernel_state.h"

namespace pellicle {

// The constants of the datapath contract that user space and the kernel must agree on.
inline constexpr uint32_t kReqId = 1;           // every template and state, as Cilium's
inline constexpr uint32_t kEncryptTable = 200;  // routing table of marked packets
// Tables of what policies that ask for a mark would not see: cilium_host's program marks it. Below
// main's number, as a peer's route there is made before the one in main.
inline constexpr uint32_t kMarkPodsTable = 214;   // of peers' PodCIDRs
inline constexpr uint32_t kMarkNodesTable = 215;  // of peers' own addresses, with host encryption
inline constexpr uint32_t kBehindMetric = 4096;   // of unreachable routes in these two
inline constexpr uint32_t kMainTable = 254;       // RT_TABLE_MAIN
inline constexpr uint8_t kEncryptRouteProtocol = 50;  // `proto 50` of the local route in table 200
inline constexpr Mark kEncryptMark{0xe00, 0xf00};
inline constexpr Mark kDecryptMark{0xd00, 0xf00};
inline constexpr Mark kLocalDecryptedMark{0x200, 0xf00};  // decrypted, not for a pod of this node
inline constexpr Mark kPodMark{0x100, 0xf00};             // MARK_POD of bpf/datapath.h
inline constexpr Mark kUnmarked{0, 0x800};  // neither to be encrypted nor just decrypted
// Beside one of the two above, or alone: until this connection's source NAT is done, no policy is
// to choose. See netfilter.cpp.
inline constexpr Mark kBeforeNatMark{0x400, 0xc00};
inline constexpr Mark kForwardedMark{0x200, 0xb00};  // kLocalDecryptedMark, with that or without
inline constexpr uint32_t kPairReplayWindow = 1024;  // packets, with ESN; as Cilium 1.19
inline constexpr const char* kHostDevice = "cilium_host";
inline constexpr const char* kNetDevice = "cilium_net";
Mark encrypt_mark(uint8_t key_id);  // 0x3e00/0xff00 for key 3

// Priorities of the OUT policies that ask for no mark; the kernel takes the lowest number first.
// Policies that ask for a mark have 0 (the seed's) and come before all of these.
inline constexpr uint32_t kBeforeNatPriority = 70;
inline constexpr uint32_t kPeerPriority = 71;
inline constexpr uint32_t kPassPriority = 72;  // between pods of this node, and what is marked yet
inline constexpr uint32_t kUnreadyPriority = 73;  // to a network that no peer is believed to have
inline constexpr uint32_t kStrictPriority = 74;   // to the strict network
inline constexpr uint32_t kBlockPriority = 100;   // the permanent block of the encrypt mark

// One OUT state and the policies that lead to it. A pair's state and policies ask for no mark: the
// kernel encrypts every packet between the two PodCIDRs, and one policy names the state in use. The
// plain form's ask for the mark of the key id, as the seed's do; so do those that an agent before
// this one made for a pair.
struct Way {
  uint8_t key_id = 0;  // in the mark that the eBPF programs write
  uint32_t spi = 0;    // in the template
  bool marked = false;
  Mark mark() const { return marked ? encrypt_mark(key_id) : Mark{}; }  // of state and policies
  auto operator<=>(const Way&) const = default;
};

// A peer that may be encrypted to: everything of it is known and nothing contradicts.
struct Peer {
  std::string name;
  Cidr pod_cidr;
  IpAddress internal_ip;
  IpAddress router;
  bool accepts_host_encryption = false;
  Node node = {};  // what it announces of its keys
  // How this node may send to it, one a key id, oldest key first; and the one that packets are
  // marked for. See ways.h.
  std::vector<Way> ways = {};
  uint8_t key_id = 0;      // 0: nothing may be sent, packets are dropped and counted
  const Way* way() const;  // the one of `key_id`; null: nothing may be sent
  // The way to its node, which the packets to its pods take as well; none: others make the routes.
  std::optional<NextHop> next_hop = {};
  std::optional<PathMtu> path = {};  // narrower than the uplink
  bool operator==(const Peer&) const = default;
};

// What this node is in one family, everything known.
using OwnNetwork = DatapathConfig::Network;

// The cluster as this node sees it.
struct Cluster {
  std::optional<Node> self;
  std::map<Family, OwnNetwork> own;  // the families that this node has pods of
  // A family that this node has pods of is not among them: `problems` says why.
  bool incomplete = false;
  std::optional<HostFacts::Uplink> uplink;
  std::vector<Peer> peers;    // by name, IPv4 first: a Node once in each family of both
  std::vector<Cidr> unready;  // PodCIDRs of Nodes that cannot be encrypted to yet: dropped
  std::vector<Problem> problems;
  Claims claims;          // what is believed of PodCIDRs and InternalIPs, this node's own included
  bool disputed = false;  // something was claimed that is not believed
  // A peer could be sent to in a better way once the kernel has what this one needs.
  bool waiting = false;
};

// Reads the Inputs as a cluster; the same result whatever order things became known in. A Node has
// a family when it has a PodCIDR of it, and this node also when cilium_host has an address of it: a
// family that was programmed is not forgotten for want of a PodCIDR. Of two
// Nodes that claim overlapping PodCIDRs the older one (creation time, then name) is believed and
// the other reported.
Cluster cluster(const Inputs& inputs);

// The kernel state for these inputs. While this node's own PodCIDR, address or uplink is unknown,
// only the block policy is desired and `problems` says why.
struct Desired {
  KernelState state;
  Cluster cluster;                // what it was computed from
  std::vector<Problem> problems;  // the cluster's, and its own
};
Desired compute(const Inputs& inputs);

// What can be said before anything was heard of the cluster: the block policy, and `actual` with
// what needs no knowledge put right. Nothing of it is removed.
KernelState kept(const KernelState& actual);

// This node's own part of cluster(inputs).own, without a look at the peers.
std::map<Family, OwnNetwork> own_networks(const Inputs& inputs);

// What one pod of this node needs of the kernel, beside its own wiring; compute() has it for every
// pod.
KernelState pod_objects(const Endpoint& endpoint, const HostFacts& host, const Settings& settings);

// The largest inner packet that fits the uplink's MTU after ESP in tunnel mode: 1446 for rfc4106
// with a 128-bit ICV over IPv4 and 1500 (the kernel's esp4: block-aligned, two trailer bytes).
uint32_t inner_mtu(uint32_t uplink_mtu, const Algorithm& algorithm, Family outer);
// The other way round: the least MTU outside that an inner packet of this length needs.
uint32_t outer_mtu(uint32_t inner, const Algorithm& algorithm, Family outer);

}  // namespace pellicle
