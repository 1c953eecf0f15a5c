// Everything the desired state is computed from, as plain values.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/model/kernel_state.h"
#include "agent/model/key.h"
#include "agent/model/node.h"
#include "agent/model/path.h"

namespace pellicle {

// A pod of this node: what CNI ADD made and what the datapath must know.
struct Endpoint {
  std::string id;       // unique on the node: "<container id>:<interface>", or the caller's choice
  std::string name;     // for people: namespace/pod
  std::string network;  // the CNI network's name; empty: not made through CNI
  std::string device;   // the host's end, lxc + 12 hex digits of the id's digest
  std::vector<IpAddress> addresses;  // at most one a family, IPv4 first
  Mac pod_mac;
  Mac host_mac;
  std::string netns;  // path the pod's namespace was given by; may be gone
  // Its sending is shaped on the device's ingress qdisc, which excludes clsact there. Our program
  // is on the device that shapes it instead; until then policies and routes alone decide about what
  // the pod sends.
  bool egress_shaped = false;
  // What its annotation pellicle.io/allowed-addresses asks to send from beside `addresses`.
  std::vector<Cidr> wanted_sources = {};
  std::optional<IpAddress> address(Family family) const;
  auto operator<=>(const Endpoint&) const = default;
};

// What this host is, read from its kernel at the start of a pass.
struct HostFacts {
  struct Uplink {
    std::string name;
    uint32_t mtu = 0;
    // Takes routes that routers advertise, also while it forwards or for as long as it does not.
    bool accepts_ra = false;
    // The network that the address makes the kernel reach through the device without a gateway;
    // none: a /32, or an address whose routes others make.
    std::optional<Cidr> connected = {};
    bool ethernet = true;  // its frames have an Ethernet header
    auto operator<=>(const Uplink&) const = default;
  };
  bool ipv6 = true;                      // false: a kernel without, or booted without
  std::map<IpAddress, Uplink> uplinks;   // by address: devices that are not ours
  std::optional<IpAddress> router_ipv4;  // on cilium_host now
  std::optional<IpAddress> router_ipv6;  // beside the one the kernel makes
  const std::optional<IpAddress>& router(Family family) const {
    return family == Family::v4 ? router_ipv4 : router_ipv6;
  }
  std::map<std::string, std::string>
      program_tags;  // program name -> the kernel's digest of what this agent carries
  std::vector<std::string> pod_devices;  // lxc devices that exist, sorted
  // Those of them on which another holds the ingress hook, and the device that it redirects what
  // the pod sends to; empty: to none.
  std::map<std::string, std::string> shapers;
  // Other devices that have routes or addresses because the kernel listens to routers there, or had
  // some when the agent first told it to go on listening.
  std::set<std::string> advertised;
  bool operator==(const HostFacts&) const = default;
};

// How the node itself reaches another address, by the kernel's answer.
struct NextHop {
  std::string device;                // empty: not at all
  std::optional<IpAddress> gateway;  // none: the address itself is on the device's link
  bool onlink = false;               // no other route leads to the gateway
  std::string obstacle = {};         // the kernel's words, where there is no device
  bool ethernet = true;              // the device's frames have an Ethernet header
  uint32_t mtu = 0;                  // the device's; 0: not known, or the uplink's
  auto operator<=>(const NextHop&) const = default;
};

// What the kernel is asked for one.
struct NextHopQuestion {
  IpAddress destination;
  std::optional<IpAddress> source;  // an address of this host
  auto operator<=>(const NextHopQuestion&) const = default;
};

struct Settings {
  std::string node_name;
  std::string uplink;  // empty: the device that carries this Node's InternalIP
  std::vector<Cidr>
      strict_cidrs;       // pod packets to them that match neither a peer nor this node are dropped
  uint32_t pod_mtu = 0;   // 0: the exact inner MTU of the key's algorithm
  bool netfilter = true;  // install the netfilter rules
  // What pods send beyond this network leaves with the node's own address; none: with the pods'.
  std::optional<Cidr> native_cidr;
  std::optional<Cidr> native_cidr6;
  bool host_encryption = false;  // what is between pods and other nodes' own addresses as well
  // Of what comes in the clear although the node that it names says that it encrypts such.
  ClearText strict_ingress = ClearText::is_dropped;
  // A pair's OUT states and policies ask for the mark of the key id, as an agent before this
  // version made them: such an agent goes on with them without a lost packet.
  bool marked_policies = false;
  std::vector<Cidr> allowed_addresses;      // that pods' annotations may ask to send from
  std::vector<Cidr> masquerade_exceptions;  // reached with the pods' own addresses all the same
  bool direct_routes = true;  // routes in main to the peers' pods; false: others make them
  std::optional<Cidr> strict_cidr(Family family) const {
    for (const auto& network : strict_cidrs) {
      if (network.family() == family) return network;
    }
    return std::nullopt;
  }
  bool operator==(const Settings&) const = default;
};

// What the key of one direction between two nodes is derived from, beside the key of the Secret.
struct PairEnds {
  IpAddress src;  // the two cilium_host addresses, of one family
  IpAddress dst;
  std::string src_boot_id;  // 36 characters each
  std::string dst_boot_id;
  uint64_t generation = 0;  // the sender's
};
using DeriveKey = Algorithm (*)(const Algorithm& global, const PairEnds& ends);  // a pure function

// What this node sends with under pair keys.
struct Sender {
  std::string boot_id;
  std::vector<Epoch> epochs;  // as in Node; all sending moves to the newest
  // Every peer had the time to install what the newest epoch needs; else only those that say so may
  // be sent to with it.
  bool settled = false;
  bool operator==(const Sender&) const = default;
};

// What the kernel sends and receives with already. A key that works is not given up for one that is
// not there yet.
struct Programmed {
  Table<State> states;
  Table<Policy> policies;
  Table<PeerEntry> peers;
  bool operator==(const Programmed&) const = default;
};

struct Inputs {
  Settings settings;
  std::map<std::string, Node> nodes;  // every Node, this one among them
  std::optional<IpsecKey> key;        // the last good key; none before one was seen
  std::vector<IpsecKey> older_keys;   // not retired yet, oldest first
  // Ids of older keys whose bytes are not known (a restart during a rotation): what the kernel has
  // of them stays as it is.
  std::set<uint8_t> inherited_keys;
  Sender sender;
  DeriveKey derive = nullptr;  // needed for pair keys
  Programmed programmed;
  std::vector<Endpoint> endpoints;  // pods of this node, by id
  HostFacts host;
  // To the peers' InternalIPs. One that is not among them is on the uplink's link.
  std::map<IpAddress, NextHop> next_hops;
  PathMtus paths = {};  // those that are narrower than the uplink
  // Destinations of OUT policies that the kernel refused in the last pass: nothing leads there.
  std::set<Cidr> held = {};
  bool operator==(const Inputs&) const = default;
};

}  // namespace pellicle
