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

// A pod of this node: what CNI ADD created and what the datapath needs to know.
struct Endpoint {
  std::string id;       // unique on the node: "<container id>:<interface>", or chosen by the caller
  std::string name;     // for display: namespace/pod
  std::string network;  // the CNI network's name; empty: not created through CNI
  std::string device;   // host end of the veth, lxc + 12 hex digits of the id's digest
  std::vector<IpAddress> addresses;  // at most one per family, IPv4 first
  Mac pod_mac;
  Mac host_mac;
  std::string netns;  // the path of the pod's namespace, as given; may be gone
  // A shaper holds the device's ingress qdisc, which excludes clsact there. Our program is then on
  // the device that shapes the pod. Until it is there, only policies and routes decide about what
  // the pod sends.
  bool egress_shaped = false;
  // Networks that the annotation pellicle.io/allowed-addresses requests besides `addresses`.
  std::vector<Cidr> wanted_sources = {};
  std::optional<IpAddress> address(Family family) const;
  auto operator<=>(const Endpoint&) const = default;
};

// This host, as read from its kernel at the start of a pass.
struct HostFacts {
  struct Uplink {
    std::string name;
    uint32_t mtu = 0;
    // accept_ra is not 0: the kernel takes advertised routes, at 2 also while the device forwards.
    bool accepts_ra = false;
    // The network that the kernel reaches through the device without a gateway because of the
    // address; nullopt: a /32, or other software makes the address's routes.
    std::optional<Cidr> connected = {};
    bool ethernet = true;  // its frames have an Ethernet header
    auto operator<=>(const Uplink&) const = default;
  };
  bool ipv6 = true;                      // false: kernel without IPv6, or booted without it
  std::map<IpAddress, Uplink> uplinks;   // by address; without devices of ours
  std::optional<IpAddress> router_ipv4;  // now on cilium_host
  std::optional<IpAddress> router_ipv6;  // without the kernel's link-local address
  const std::optional<IpAddress>& router(Family family) const {
    return family == Family::v4 ? router_ipv4 : router_ipv6;
  }
  std::map<std::string, std::string>
      program_tags;  // program name -> the kernel's digest of the version that this agent carries
  std::vector<std::string> pod_devices;  // lxc devices that exist, sorted
  // Pod devices on which a shaper holds the ingress hook -> the device to which it redirects what
  // the pod sends; empty: to none.
  std::map<std::string, std::string> shapers;
  // Other devices that have routes or addresses from router advertisements, or had some when the
  // agent first set accept_ra there.
  std::set<std::string> advertised;
  bool operator==(const HostFacts&) const = default;
};

// How the node itself reaches another address, as the kernel answers.
struct NextHop {
  std::string device;                // empty: unreachable
  std::optional<IpAddress> gateway;  // nullopt: the address itself is on the device's link
  bool onlink = false;               // no other route leads to the gateway
  std::string obstacle = {};         // the kernel's error, if there is no device
  bool ethernet = true;              // the device's frames have an Ethernet header
  uint32_t mtu = 0;                  // the device's; 0: unknown, or the uplink's
  auto operator<=>(const NextHop&) const = default;
};

// A lookup that the kernel answers with a NextHop.
struct NextHopQuestion {
  IpAddress destination;
  std::optional<IpAddress> source;  // an address of this host
  auto operator<=>(const NextHopQuestion&) const = default;
};

struct Settings {
  std::string node_name;
  std::string uplink;  // empty: the device that carries this Node's InternalIP
  std::vector<Cidr>
      strict_cidrs;       // pod packets to these are dropped if no peer and not this node has them
  uint32_t pod_mtu = 0;   // 0: the exact inner MTU of the key's algorithm
  bool netfilter = true;  // install the netfilter rules
  // Pod packets beyond this network leave with the node's address; nullopt: with the pod's.
  std::optional<Cidr> native_cidr;
  std::optional<Cidr> native_cidr6;
  bool host_encryption = false;  // also encrypt between pods and other nodes' own addresses
  // For cleartext whose source node announces that it encrypts such packets.
  ClearText strict_ingress = ClearText::is_dropped;
  // OUT states and policies of a pair ask for the key id's mark, as agents before this version make
  // them: such an agent then takes over without a lost packet.
  bool marked_policies = false;
  std::vector<Cidr> allowed_addresses;      // networks that pods' annotations may request
  std::vector<Cidr> masquerade_exceptions;  // destinations that see pods' own addresses anyway
  bool direct_routes = true;  // routes in main to the peers' pods; false: other software makes them
  std::optional<Cidr> strict_cidr(Family family) const {
    for (const auto& network : strict_cidrs) {
      if (network.family() == family) return network;
    }
    return std::nullopt;
  }
  bool operator==(const Settings&) const = default;
};

// What the key of one direction between two nodes is derived from, besides the Secret's key.
struct PairEnds {
  IpAddress src;  // the two cilium_host addresses, of one family
  IpAddress dst;
  std::string src_boot_id;  // 36 characters each
  std::string dst_boot_id;
  uint64_t generation = 0;  // the sender's
};
using DeriveKey = Algorithm (*)(const Algorithm& global, const PairEnds& ends);  // a pure function

// The epochs with which this node sends under pair keys.
struct Sender {
  std::string boot_id;
  std::vector<Epoch> epochs;  // as in Node; all sending moves to the newest
  // Every peer had time to install states for the newest epoch. Until then only peers that announce
  // that they receive it get packets with it.
  bool settled = false;
  bool operator==(const Sender&) const = default;
};

// What the kernel already sends and receives with. A key that works is not given up for a key that
// is not installed yet.
struct Programmed {
  Table<State> states;
  Table<Policy> policies;
  Table<PeerEntry> peers;
  bool operator==(const Programmed&) const = default;
};

struct Inputs {
  Settings settings;
  std::map<std::string, Node> nodes;  // every Node, including this one
  std::optional<IpsecKey> key;        // the last good key; nullopt: none seen yet
  std::vector<IpsecKey> older_keys;   // not retired yet, oldest first
  // Ids of older keys whose bytes are unknown (a restart during a rotation). The kernel's objects
  // of these keys stay as they are.
  std::set<uint8_t> inherited_keys;
  Sender sender;
  DeriveKey derive = nullptr;  // needed for pair keys
  Programmed programmed;
  std::vector<Endpoint> endpoints;  // pods of this node, by id
  HostFacts host;
  // By InternalIP of the peers. A peer without an entry is on the uplink's link.
  std::map<IpAddress, NextHop> next_hops;
  PathMtus paths = {};  // only paths narrower than the uplink
  // Destinations of OUT policies that the kernel refused in the last pass: unreachable routes block
  // them.
  std::set<Cidr> held = {};
  bool operator==(const Inputs&) const = default;
};

}  // namespace pellicle
