// Every kind of kernel object that Pellicle makes. Each documents its key, how it is recognised as
// ours, and what replacing it means. Objects use names; kernel/ resolves them to numbers in the
// same pass.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/model/ip.h"
#include "agent/model/key.h"
#include "agent/model/mark.h"

namespace pellicle {

// The veth pair cilium_host <-> cilium_net. Ours by name and kind; a device of that name that is no
// veth is refused, never changed. Replaced in place (MTU, flags, peer moved back up), never deleted
// and recreated.
struct VethPair {
  struct Key {
    std::string name;  // "cilium_host"
    auto operator<=>(const Key&) const = default;
  };
  std::string peer;  // "cilium_net"
  uint32_t mtu = 0;
  bool noarp = true;  // both ends
  bool up = true;     // both ends
  auto operator<=>(const VethPair&) const = default;
};

// Ours if it is on a device of ours. Replacing changes the scope in place.
struct Address {
  struct Key {
    std::string dev;
    IpAddress address;
    auto operator<=>(const Key&) const = default;
  };
  uint8_t prefix_length = 32;
  bool scope_link = true;
  auto operator<=>(const Address&) const = default;
};

// A file below /proc/sys of this network namespace, e.g. "net/ipv4/conf/eth0/rp_filter". Ours once
// its previous value was written to the ledger; removing restores that value.
struct Sysctl {
  struct Key {
    std::string path;
    bool operator==(const Key&) const = default;
    // accept_ra comes first: where it is 1, enabling forwarding removes a router's routes. IPv6's
    // all/forwarding comes after each device's own value, which it overwrites (6.1), and is
    // therefore restored before them.
    std::strong_ordering operator<=>(const Key& other) const;
  };
  std::string value;
  auto operator<=>(const Sysctl&) const = default;
};

// An ESP tunnel state. The kernel identifies a state by destination, SPI and mark, so a new source
// is a replacement. Ours: ESP, tunnel, reqid 1, and one of our two mark shapes with its
// output-mark; or no mark, output-mark 0xe00/0xf00 and an SPI of ours (0x1.......). Replaced by
// delete and add under the block policy; the send counter is carried over so that no nonce repeats.
struct State {
  struct Key {
    IpAddress dst;
    uint32_t spi = 0;
    Mark mark;
    auto operator<=>(const Key&) const = default;
  };
  IpAddress src;  // 0.0.0.0 or :: for receiving with a shared key
  uint32_t reqid = 0;
  Mark output_mark;
  Algorithm algorithm;
  uint32_t replay_window = 0;
  bool esn = false;
  bool operator==(const State& other) const;  // a withheld key equals any key: see same_algorithm
};

// The key id of a state of ours: for a sending state of the plain form from its mark
// (0x3e00/0xff00), else from the SPI, which has it in its last four bits in both key forms.
uint8_t key_id_of(const State::Key& key);
uint8_t id_of_spi(uint32_t spi);

enum class Direction : uint8_t { in, out, fwd };

// Ours: the permanent block policy by its exact shape; others by template (ESP, tunnel, reqid 1)
// and a mark of our shapes (0x.e00/0xff00 out; 0xd00/0xf00 and 0x200/0xf00 in; 0/0xf00, 0x200/0xb00
// and a former version's 0x200/0xf00 fwd). OUT policies without a key's mark by a priority of ours
// (70 to 74) and, if they have a template, an SPI of ours. Replaced in place: there is always one
// of the two.
struct Policy {
  struct Key {
    Direction direction = Direction::out;
    Cidr src;
    Cidr dst;
    Mark mark;
    auto operator<=>(const Key&) const = default;
  };
  struct Template {
    IpAddress src;
    IpAddress dst;
    uint32_t spi = 0;  // 0 matches any SPI
    uint32_t reqid = 0;
    bool optional = false;  // `level use`
    auto operator<=>(const Template&) const = default;
  };
  bool block = false;
  uint32_t priority = 0;
  std::optional<Template> tmpl;  // nullopt: unless `block`, packets pass unencrypted
  auto operator<=>(const Policy&) const = default;
};

// The single record of the eBPF configuration map. Ours if the pinned map is.
struct DatapathConfig {
  struct Key {
    auto operator<=>(const Key&) const = default;
  };
  struct Network {
    Cidr pod_cidr;
    IpAddress router;  // cilium_host's address
    auto operator<=>(const Network&) const = default;
  };
  std::optional<Network> v4;  // nullopt: this node has no pods of the family
  std::optional<Network> v6;
  std::vector<Network> networks() const;  // the existing ones, IPv4 first
  std::optional<IpAddress> address4;      // the Node's InternalIP; nullopt: none of the family
  std::optional<IpAddress> address6;
  std::string host_device;  // "cilium_host"
  std::string net_device;   // "cilium_net"
  std::string uplink;
  bool host_encryption = false;  // also encrypt between pods and other nodes' own addresses
  auto operator<=>(const DatapathConfig&) const = default;
};

// What the eBPF programs do with a destination. Ours if the pinned map is. Replaced in place.
struct PeerEntry {
  struct Key {
    Cidr cidr;
    auto operator<=>(const Key&) const = default;
  };
  uint8_t key_id = 0;  // 0: nothing may be sent there yet; pod packets are dropped and counted
  bool node = false;   // the node's own address: only traffic that involves a pod is encrypted
  uint16_t path = 0;   // MTU of a path on which ESP is sent in fragments; 0: not fragmented
  auto operator<=>(const PeerEntry&) const = default;
};

// A local pod, to which cilium_host delivers. Ours if the pinned map is. Replaced in place.
struct EndpointEntry {
  struct Key {
    IpAddress address;
    auto operator<=>(const Key&) const = default;
  };
  std::string device;  // host end of the veth, lxc + 12 hex digits
  Mac pod_mac;
  Mac host_mac;
  auto operator<=>(const EndpointEntry&) const = default;
};

// A network that a pod may send from besides its own addresses. Ours if the pinned map is. The key
// is the whole object. The map stores the device's ifindex: "#17" if the device is gone.
struct PodSource {
  struct Key {
    std::string device;  // host end of the veth
    Cidr cidr;
    auto operator<=>(const Key&) const = default;
  };
  auto operator<=>(const PodSource&) const = default;
};

// What the eBPF programs do with a cleartext packet that should have come as ESP.
enum class ClearText : uint8_t { passes, is_observed, is_dropped };

// Which node owns an address: of its PodCIDR or its own, this node included. Ours if the pinned map
// is. Replaced in place.
struct AddressOwner {
  struct Key {
    Cidr cidr;
    auto operator<=>(const Key&) const = default;
  };
  IpAddress router;                       // the node's cilium_host address, of the same family
  ClearText to_pods = ClearText::passes;  // for packets to pods of this node
  ClearText to_node = ClearText::passes;  // for packets to this node's own address
  auto operator<=>(const AddressOwner&) const = default;
};

// One of our programs on a device's hook: a clsact filter, ours by handle, priority and program
// name; or a tcx program, ours by name. The kernel replaces it atomically. clsact itself is removed
// with its last filter.
struct Attachment {
  struct Key {
    std::string dev;
    bool ingress = true;
    auto operator<=>(const Key&) const = default;
  };
  std::string program;       // function name in bpf/
  std::string tag;           // the kernel's digest of its instructions
  bool current_maps = true;  // uses the maps that are pinned now
  bool foremost = true;      // runs ahead of everything that this kernel lets it precede
  bool is_auditor() const;   // on an uplink's egress; see bpf/uplink_out.c
  bool is_of_pod() const;    // for what one pod sends; see bpf/lxc_in.c
  auto operator<=>(const Attachment&) const = default;
};

// A chain of ours with its rules. A built-in chain jumps to it from its top, to PELLICLE_FORWARD
// from its end. Ours by name, PELLICLE_*. Replaced in one commit.
struct NetfilterChain {
  struct Key {
    Family family = Family::v4;
    std::string table;  // "raw"
    std::string chain;  // "PELLICLE_PREROUTING"
    auto operator<=>(const Key&) const = default;
  };
  std::string parent;              // "PREROUTING"
  std::vector<std::string> rules;  // as iptables-save prints them after "-A CHAIN "
  auto operator<=>(const NetfilterChain&) const = default;
};

enum class RouteType : uint8_t { unicast, local, unreachable };

// Ours: on a device of ours; in table 200 with protocol 50; unreachable in tables 214 and 215 with
// metric 4096; or in main through a gateway (the peer's node, or a router before it), protocol
// boot, and recorded in the ledger (the seed's listing leaves no attribute free to mark the route).
// Replaced in place (NLM_F_REPLACE).
struct Route {
  struct Key {
    uint32_t table = 0;
    Cidr dst;
    uint32_t metric = 0;  // of an unreachable route, which is tried after others; 0: the default
    bool operator==(const Key&) const = default;
    // Longer prefix first: the gateway's own /32 must exist before the network that is routed
    // through it, and is removed after it.
    std::strong_ordering operator<=>(const Key& other) const;
  };
  RouteType type = RouteType::unicast;
  std::string dev;  // empty: unreachable, so bound to no device
  std::optional<IpAddress> gateway;
  bool onlink = false;  // the gateway is on the device's link, whatever other routes say
  std::optional<IpAddress> src;
  uint32_t mtu = 0;      // 0: not set
  uint8_t scope = 0;     // RT_SCOPE_*: 0 universe, 253 link, 254 host; IPv6 only has 0
  uint8_t protocol = 3;  // RTPROT_BOOT, which `ip route` does not print
  auto operator<=>(const Route&) const = default;
};

// A rule that looks up a table for packets with a mark, from or to a network, or of a protocol.
// Ours by its exact value: the key is the whole object. Replaced by a new rule of the same value,
// added before the old one is removed.
struct Rule {
  struct Key {
    Family family = Family::v4;
    uint32_t priority = 0;
    Mark mark;  // 0/0: any
    uint32_t table = 0;
    std::optional<Cidr> src = {};  // nullopt: any source
    uint8_t protocol = 0;          // IPPROTO_*; 0: any
    std::optional<Cidr> dst = {};  // nullopt: any destination
    bool of_node = false;          // only packets that the node itself sends: `iif lo`
    auto operator<=>(const Key&) const = default;
  };
  // The rule's origin is `proto kernel`, which `ip rule` shows only with -d: systemd-networkd
  // removes rules of other origins whenever it starts.
  bool kept = true;
  auto operator<=>(const Rule&) const = default;
};

// The priorities of `lookup local` in the rule list. The kernel's default, {0}, is not reported as
// an object of ours. Replacing adds the new rules before it deletes the old ones; removing restores
// priority 0.
struct LocalRule {
  struct Key {
    Family family = Family::v4;
    auto operator<=>(const Key&) const = default;
  };
  std::set<uint32_t> priorities;
  bool kept = true;  // as in Rule, true if it holds for all of them
  auto operator<=>(const LocalRule&) const = default;
};

// One line each, in the terms of `ip`; never key bytes.
std::string describe(const VethPair::Key& key, const VethPair& value);
std::string describe(const Address::Key& key, const Address& value);
std::string describe(const Sysctl::Key& key, const Sysctl& value);
std::string describe(const State::Key& key, const State& value);
std::string describe(const Policy::Key& key, const Policy& value);
std::string describe(const DatapathConfig::Key& key, const DatapathConfig& value);
std::string describe(const PeerEntry::Key& key, const PeerEntry& value);
std::string describe(const EndpointEntry::Key& key, const EndpointEntry& value);
std::string describe(const PodSource::Key& key, const PodSource& value);
std::string describe(const AddressOwner::Key& key, const AddressOwner& value);
std::string describe(const Attachment::Key& key, const Attachment& value);
std::string describe(const NetfilterChain::Key& key, const NetfilterChain& value);
std::string describe(const Route::Key& key, const Route& value);
std::string describe(const Rule::Key& key, const Rule& value);
std::string describe(const LocalRule::Key& key, const LocalRule& value);

}  // namespace pellicle
