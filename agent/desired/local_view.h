// What the tables of this node are computed from once everything about the node itself is known,
// and the functions that compute them, one per table.
#pragma once

#include <algorithm>
#include <functional>

#include "agent/desired/desired.h"
#include "agent/desired/ways.h"

namespace pellicle {

using ProgramTags = std::map<std::string, std::string>;

// Everything of one family.
struct FamilyView {
  Cidr local_cidr;
  IpAddress router;
  std::optional<IpAddress> address;                       // InternalIP of this node
  std::vector<std::reference_wrapper<const Peer>> peers;  // refers to the Cluster's peers
  std::vector<Cidr> unready;
  std::set<Cidr> held;  // as in Inputs
  std::optional<Cidr> strict_cidr;
  std::optional<Cidr> native_cidr;
  std::vector<Cidr> masquerade_exceptions;
  Family family() const { return router.family(); }
  // Policies with a mark lead to some peer (plain form, or made by a former version), or the kernel
  // refused a policy.
  bool needs_mark_tables() const {
    return !held.empty() || std::any_of(peers.begin(), peers.end(), is_marked);
  }
  static bool is_marked(const Peer& peer) { return peer.way() && peer.way()->marked; }
};

struct LocalView {
  std::vector<FamilyView> families;  // one or both, IPv4 first
  HostFacts::Uplink uplink;
  std::map<std::string, bool> uplinks;  // devices by which peers are reached -> is it Ethernet?
  std::set<std::string> advertised;     // devices that receive router advertisements
  std::vector<Endpoint> endpoints;      // those whose device exists, by id
  Keys keys;
  bool netfilter = true;
  bool host_encryption = false;
  bool accepts_host_encryption = false;  // this node has announced that it accepts host encryption
  ClearText strict_ingress = ClearText::is_dropped;
  ProgramTags program_tags;
};

// Always present, as it needs no knowledge of the cluster: a marked packet that no policy encrypts
// is dropped (XfrmOutPolBlock) instead of routed in the clear.
Table<Policy> block_policies();

Table<VethPair> links(const LocalView& view);
Table<Address> addresses(const LocalView& view);
Table<Sysctl> sysctls(const LocalView& view);
Table<State> states(const LocalView& view);
Table<Policy> policies(const LocalView& view);
Table<DatapathConfig> datapath_config(const LocalView& view);
Table<AddressOwner> owners(const LocalView& view);
Table<PeerEntry> peer_entries(const LocalView& view);
Table<PeerEntry> node_peer_entries(const LocalView& view);
Table<NetfilterChain> netfilter_chains(const LocalView& view);
Table<Attachment> attachments(const LocalView& view);
Table<Attachment> auditors(const LocalView& view);
Table<Route> routes(const LocalView& view);
Table<LocalRule> local_rules(const LocalView& view);
Table<Rule> rules(const LocalView& view);

// MTU of the peer's route, and MTU at which the eBPF programs fragment ESP. If a path is too narrow
// for IPv6's 1280 bytes plus ESP's overhead, the route's MTU is what these need, and the programs
// fragment. cut_path() returns 0 if no fragmentation is needed.
uint32_t routed_mtu(const Peer& peer, const LocalView& view);
uint16_t cut_path(const Peer& peer, const LocalView& view);

// For one family.
LocalRule local_rule();
Table<Rule> mark_rules(Family family);
Table<Rule> unmarked_rules(const Cidr& pods, const IpAddress& router, bool host_encryption);
// `marked`, `unmarked`: policies with, and policies without, a mark lead to peers.
Table<Rule> icmp_rules(const Cidr& pods, bool marked, bool unmarked);
inline constexpr uint32_t kLocalRuleBornAt = 0;  // priority in the kernel's default

Attachment attachment(const char* program, const ProgramTags& tags);

// The pods of this node whose device exists, by id. Reports a pod with the address of an earlier
// one, and an address outside the PodCIDR.
std::vector<Endpoint> present_endpoints(const Inputs& inputs,
                                        const std::map<Family, OwnNetwork>& own,
                                        std::vector<Problem>& problems);

}  // namespace pellicle
