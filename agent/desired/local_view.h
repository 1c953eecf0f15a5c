// What one node's tables are computed from, once everything about the node itself is known; and the
// functions, one a table, that compute them.
#pragma once

#include <algorithm>
#include <functional>

#include "agent/desired/desired.h"
#include "agent/desired/ways.h"

namespace pellicle {

using ProgramTags = std::map<std::string, std::string>;

// All of one family.
struct FamilyView {
  Cidr local_cidr;
  IpAddress router;
  std::optional<IpAddress> address;                       // InternalIP of this node
  std::vector<std::reference_wrapper<const Peer>> peers;  // the Cluster's
  std::vector<Cidr> unready;
  std::set<Cidr> held;  // as in Inputs
  std::optional<Cidr> strict_cidr;
  std::optional<Cidr> native_cidr;
  std::vector<Cidr> masquerade_exceptions;
  Family family() const { return router.family(); }
  // Policies that ask for a mark lead to a peer: the plain form's, or a former version's. Or one
  // was refused.
  bool needs_mark_tables() const {
    return !held.empty() || std::any_of(peers.begin(), peers.end(), is_marked);
  }
  static bool is_marked(const Peer& peer) { return peer.way() && peer.way()->marked; }
};

struct LocalView {
  std::vector<FamilyView> families;  // one or both, IPv4 first
  HostFacts::Uplink uplink;
  std::map<std::string, bool> uplinks;  // every device that a peer is reached by: is it Ethernet?
  std::set<std::string> advertised;     // devices that routers advertise to
  std::vector<Endpoint> endpoints;      // those whose device exists, by id
  Keys keys;
  bool netfilter = true;
  bool host_encryption = false;
  bool accepts_host_encryption = false;  // others have heard that it may be sent to that way
  ClearText strict_ingress = ClearText::is_dropped;
  ProgramTags program_tags;
};

// Needs no knowledge at all, and so is always there: a marked packet that no policy encrypts is
// dropped (XfrmOutPolBlock) and not routed in the clear.
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

// What the kernel is told of the peer's path, and what the eBPF programs are: a path on which
// IPv6's 1280 bytes and what ESP adds do not fit in one packet is as wide to the kernel as these
// need, and the programs cut. 0: they need not.
uint32_t routed_mtu(const Peer& peer, const LocalView& view);
uint16_t cut_path(const Peer& peer, const LocalView& view);

// Of one family.
LocalRule local_rule();
Table<Rule> mark_rules(Family family);
Table<Rule> unmarked_rules(const Cidr& pods, const IpAddress& router, bool host_encryption);
// `marked`, `unmarked`: policies that ask for a mark, and such that do not, lead to peers.
Table<Rule> icmp_rules(const Cidr& pods, bool marked, bool unmarked);
inline constexpr uint32_t kLocalRuleBornAt = 0;  // where the kernel has it

Attachment attachment(const char* program, const ProgramTags& tags);

// The pods of this node whose device exists, by id. A second pod with an address that a first one
// has, or an address outside the PodCIDR, is reported.
std::vector<Endpoint> present_endpoints(const Inputs& inputs,
                                        const std::map<Family, OwnNetwork>& own,
                                        std::vector<Problem>& problems);

}  // namespace pellicle
