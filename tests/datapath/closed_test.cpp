// Fail closed without a hook: whatever is removed from a node's devices, whatever filter runs first
// there, and whatever kind of device the uplink is, no packet between pods of two nodes is in the
// clear on any wire. One case per kind of uplink and form of key; the tables below list the steps
// of each.
#include "tests/datapath/closed_cluster.h"
#include "tests/harness/length.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;

namespace {

constexpr Uplink kEth0{"one uplink", "eth0", "172.18.0.", "fd00:172::", ""};
constexpr Uplink kSecondNic{"a second NIC with the default route",
                            "eth0",
                            "172.18.0.",
                            "fd00:172::",
                            "ip link add eth1 type dummy && ip addr add 172.29.0.%1/16 dev eth1 && "
                            "ip addr add fd00:29::%1/64 dev eth1 nodad && ip link set eth1 up && "
                            "ip route replace default via 172.29.0.1 && "
                            "ip -6 route replace default via fd00:29::1 && "
                            "ip neigh add 172.29.0.1 lladdr 02:00:00:00:00:01 dev eth1 && "
                            "ip neigh add fd00:29::1 lladdr 02:00:00:00:00:01 dev eth1",
                            "eth1"};
constexpr Uplink kGre{"a tunnel without Ethernet header", "mesh0", "100.64.0.", "fd00:64::",
                      "ip link add mesh0 type gre local 172.18.0.%1 remote 172.18.0.%2 && "
                      "ip addr add 100.64.0.%1/24 dev mesh0 && "
                      "ip addr add fd00:64::%1/64 dev mesh0 nodad && ip link set mesh0 up"};
constexpr Uplink kVlan{"a VLAN", "eth0.7", "172.30.0.", "fd00:30::",
                       "ip link add link eth0 name eth0.7 type vlan id 7 && "
                       "ip addr add 172.30.0.%1/16 dev eth0.7 && "
                       "ip addr add fd00:30::%1/64 dev eth0.7 nodad && ip link set eth0.7 up"};

constexpr Damage kMarksGone{
    "every program but lxc's, and the marks' rules",
    "for dev in $UP cilium_host cilium_net; do tc qdisc del dev $dev clsact; done; "
    "ip rule del priority 1 && ip rule del priority 1",
    false};

const std::vector<Damage> kDamages = {
    {"nothing", "true", true},
    {"the lxc program", "tc filter del dev $LXC ingress", true},
    {"the uplink's egress program", "tc filter del dev $UP egress", true},
    {"the uplink's clsact", "tc qdisc del dev $UP clsact", false},
    {"cilium_host's program", "tc filter del dev cilium_host egress", false},
    {"cilium_net's program", "tc filter del dev cilium_net ingress", false},
    {"every program",
     "for dev in $LXC $UP cilium_host cilium_net; do tc qdisc del dev $dev clsact; done", false},
    {"every program, with cilium_host down",
     "for dev in $LXC $UP cilium_host cilium_net; do tc qdisc del dev $dev clsact; done; "
     "ip link set cilium_host down",
     false},
    {"every program, and cilium_host",
     "for dev in $LXC $UP; do tc qdisc del dev $dev clsact; done; ip link del cilium_host", false},
    kMarksGone,
    // These come last: with Linux 6.6 Pellicle's programs move from clsact to tcx, where tc does
    // not find them.
    {"another filter before ours on the uplink's egress", "HOOK=egress; %others", true},
    {"another filter before ours on the uplink's ingress", "HOOK=ingress; %others", false},
};

// User-Mode Linux has no WireGuard. Each node's private key is its number in 32 digits.
constexpr Uplink kWireGuard{
    "WireGuard", "mesh0", "100.64.0.", "fd00:64::",
    "key() { printf %032d $1 | base64; }; key %1 > /run/key-%1 && "
    "ip link add mesh0 type wireguard && wg set mesh0 listen-port 51820 private-key /run/key-%1 "
    "peer $(key %2 | wg pubkey) endpoint 172.18.0.%2:51820 allowed-ips 0.0.0.0/0,::/0 && "
    "ip addr add 100.64.0.%1/24 dev mesh0 && ip addr add fd00:64::%1/64 dev mesh0 nodad && "
    "ip link set mesh0 up"};

// By default the other kinds of uplink get only two of the damages.
std::vector<Damage> some_damages() {
  if (length(0, 1) != 0) return kDamages;
  return {kDamages.front(), kMarksGone};
}

void check_uplink(const Uplink& uplink, const std::string& key_line,
                  const std::vector<Damage>& damages) {
  CAPTURE(uplink.what, key_line.substr(0, 2));
  Cluster cluster(uplink, key_line);
  cluster.talk(true);
  cluster.check_closed();
  for (const Damage& damage : damages) {
    CAPTURE(damage.what);
    cluster.lab().agent("worker").stop();
    cluster.damage(damage);
    cluster.talk(damage.works);
    cluster.lab().start_agent("worker");
    cluster.repaired();
    cluster.check_closed();
  }
  cluster.talk(true);
  cluster.check_closed();
}

}  // namespace

TEST_CASE("closed: one uplink, a key for each pair", "[newer]") {
  check_uplink(kEth0, pair_key_line(), kDamages);
}

TEST_CASE("closed: one uplink, one key for all") {
  check_uplink(kEth0, api::kSeedKeyLine, kDamages);
}

TEST_CASE("closed: a second NIC with the default route, a key for each pair") {
  check_uplink(kSecondNic, pair_key_line(), some_damages());
}

TEST_CASE("closed: a second NIC with the default route, one key for all") {
  check_uplink(kSecondNic, api::kSeedKeyLine, some_damages());
}

TEST_CASE("closed: a tunnel without Ethernet header, a key for each pair") {
  check_uplink(kGre, pair_key_line(), some_damages());
}

TEST_CASE("closed: a tunnel without Ethernet header, one key for all") {
  check_uplink(kGre, api::kSeedKeyLine, some_damages());
}

TEST_CASE("closed: WireGuard, a key for each pair", "[.][stock]") {
  check_uplink(kWireGuard, pair_key_line(), some_damages());
}

TEST_CASE("closed: WireGuard, one key for all", "[.][stock]") {
  check_uplink(kWireGuard, api::kSeedKeyLine, some_damages());
}

TEST_CASE("closed: a VLAN, a key for each pair") {
  check_uplink(kVlan, pair_key_line(), some_damages());
}

TEST_CASE("closed: a VLAN, one key for all") {
  check_uplink(kVlan, api::kSeedKeyLine, some_damages());
}

}  // namespace this_file
