// The programs on real devices: behaviour that BPF_PROG_TEST_RUN does not show.
#include <linux/if_packet.h>

#include <cstdlib>

#include "tests/bpf/net.h"
#include "tests/bpf/programs.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::datapath;

namespace {

constexpr MacBytes kPeer = {2, 0, 0, 0, 0, 4};    // the peer's node
constexpr MacBytes kOther = {2, 0, 0, 0, 0, 99};  // no device of this node
constexpr size_t kJumbo = 8900;  // only the Ethernet header of such a frame is linear

Packet to(const std::string& device, Packet packet = {}) {
  packet.to = mac(device);
  return packet;
}

const Packet kEspOut{.src = "10.0.1.138", .dst = "10.0.0.40", .protocol = kEsp};

// A packet from the pod leaves lxc ingress with the mark and is otherwise unchanged.
void check_marked(const Tap& pod, const Tap& lxc) {
  for (const size_t payload : {size_t{0}, size_t{64}, kJumbo}) {
    const Bytes bytes = frame(to("lxc", {.payload = payload}));
    pod.send(bytes, 0x99);
    const auto received = lxc.receive();
    REQUIRE(received);
    CHECK(received->mark == 0x3e00);
    CHECK(received->type == PACKET_HOST);
    CHECK(received->frame == bytes);
  }
}

}  // namespace

TEST_CASE("devices: a pod's packets, the largest too, are marked on lxc ingress") {
  const Net net;
  Programs programs = configured(net.config());
  programs.set_endpoint("10.0.1.52", {.ifindex = ifindex("lxc")});
  programs.attach("pell_lxc_in", "lxc", true);
  const Tap pod("pod"), lxc("lxc");
  check_marked(pod, lxc);
}

TEST_CASE("devices: a pod that is shaped meets the program on the device that shapes it") {
  const Net net;
  Programs programs = configured(net.config());
  programs.set_endpoint("10.0.1.52", {.ifindex = ifindex("lxc")});
  ip("link add shaper mtu 9000 type ifb");
  ip("link set shaper up");
  REQUIRE(std::system("tc qdisc add dev lxc ingress && tc filter add dev lxc parent ffff: "
                      "protocol all u32 match u32 0 0 action mirred egress redirect dev shaper && "
                      "tc qdisc add dev shaper root tbf rate 100mbit burst 20kb latency 1s") == 0);
  programs.attach("pell_lxc_in", "shaper", false);
  const Tap pod("pod"), lxc("lxc");
  check_marked(pod, lxc);
  const Bytes forged = frame(to("lxc", {.src = "10.0.1.103"}));
  pod.send(forged);
  CHECK(lxc.silent());
  CHECK(programs.drops() == Drops{{DROP_FORGED, {1, forged.size()}}});
}

TEST_CASE("devices: no tagged frame of a pod gets in, whatever the kernel would make of it") {
  const Net net;
  const Tap pod("pod"), lxc("lxc");
  const std::vector<Bytes> tagged = {frame(to("lxc", {.tags = {0}})),
                                     frame(to("lxc", {.tags = {0, 0}})),
                                     frame(to("lxc", {.tags = {5}}))};
  for (const auto& bytes : tagged) pod.send(bytes);
  // Without the program the kernel accepts frames with VLAN id 0 as plain IPv4.
  CHECK(lxc.receive().value_or(Received{.type = PACKET_LOOPBACK}).type == PACKET_HOST);
  CHECK(lxc.receive().value_or(Received{.type = PACKET_LOOPBACK}).type == PACKET_HOST);
  while (!lxc.silent()) continue;

  const Programs programs = configured(net.config());
  programs.attach("pell_lxc_in", "lxc", true);
  for (const auto& bytes : tagged) pod.send(bytes);
  CHECK(lxc.silent());
  const auto drops = programs.drops();
  REQUIRE(drops.size() == 1);
  CHECK(drops.begin()->first == DROP_TAGGED);
  CHECK(drops.begin()->second.packets == tagged.size());
}

TEST_CASE("devices: a pod's IPv4 header of less than 20 bytes is dropped") {
  const Net net;
  const Programs programs = configured(net.config());
  programs.attach("pell_lxc_in", "lxc", true);
  const Tap pod("pod"), lxc("lxc");
  for (const size_t size : {15, 20, 33}) pod.send(cut(frame(to("lxc")), size));
  CHECK(lxc.silent());
  CHECK(programs.drops() == Drops{{DROP_MALFORMED, {3, 15 + 20 + 33}}});
}

TEST_CASE("devices: ESP becomes this node's, whatever the frame is addressed to") {
  const Net net;
  const Programs programs = configured(net.config());
  programs.attach("pell_uplink_in", "eth0", true);
  const Tap wire("wire"), eth0("eth0");
  Packet packet{.src = "10.0.0.40", .dst = "10.0.1.138", .protocol = kEsp};
  packet.to = kOther;
  for (const size_t payload : {size_t{64}, kJumbo}) {
    packet.payload = payload;
    wire.send(frame(packet));
    const auto received = eth0.receive();
    REQUIRE(received);
    CHECK(received->mark == 0xd00);
    CHECK(received->type == PACKET_HOST);
  }

  packet.protocol = 17;  // any other protocol stays addressed to another host
  wire.send(frame(packet));
  const auto other = eth0.receive();
  REQUIRE(other);
  CHECK(other->mark == 0);
  CHECK(other->type == PACKET_OTHERHOST);
}

TEST_CASE("devices: frames too short for IPv4 pass the uplink") {
  const Net net;
  const Programs programs = configured(net.config());
  programs.attach("pell_uplink_in", "eth0", true);
  programs.attach("pell_uplink_out", "eth0", false);
  const Tap wire("wire"), eth0("eth0");
  const Bytes bytes = cut(frame(to("eth0", {.dst = "10.0.1.138", .protocol = kEsp})), 33);
  wire.send(bytes);
  CHECK(eth0.receive().value_or(Received{}).frame == bytes);
  const Bytes out = cut(frame({}), 33);
  eth0.send(out);
  CHECK(wire.receive().value_or(Received{}).frame == out);
  CHECK(programs.drops().empty());
}

TEST_CASE("devices: the auditor lets no clear text for a peer's pod onto the wire") {
  const Net net;
  const Programs programs = configured(net.config());
  programs.attach("pell_uplink_out", "eth0", false);
  const Tap eth0("eth0"), wire("wire");
  Packet packet;
  packet.to = kPeer;
  Drops expected;
  for (const size_t payload : {size_t{64}, kJumbo}) {
    packet.payload = payload;
    eth0.send(frame(packet), 0x4000);
    expected[DROP_UNENCRYPTED].packets += 1;
    expected[DROP_UNENCRYPTED].bytes += frame(packet).size();
  }
  packet.dst = "10.0.2.1";  // a peer without a key yet
  eth0.send(frame(packet));
  expected[DROP_NO_KEY] = {1, frame(packet).size()};
  CHECK(wire.silent());
  CHECK(programs.drops() == expected);

  packet.dst = "1.1.1.1";
  eth0.send(frame(packet));
  CHECK(wire.receive().value_or(Received{}).frame == frame(packet));
}

TEST_CASE("devices: what cilium_host marks comes back through cilium_net, as this node's") {
  const Net net;
  const Programs programs = configured(net.config());
  programs.attach("pell_host_out", "cilium_host", false);
  programs.attach("pell_net_in", "cilium_net", true);
  const Tap cilium_host("cilium_host"), cilium_net("cilium_net");
  for (const size_t payload : {size_t{64}, kJumbo}) {
    const Bytes bytes = frame(to("cilium_host", {.payload = payload}));
    cilium_host.send(bytes, 0x4000);
    const auto received = cilium_net.receive();
    REQUIRE(received);
    CHECK(received->mark == 0x3e00);
    CHECK(received->type == PACKET_HOST);
    CHECK(received->frame == bytes);
  }
  CHECK(programs.drops().empty());
}

TEST_CASE("devices: clear text that a route leads to cilium_net is dropped there") {
  const Net net;
  const Programs programs = configured(net.config());
  programs.attach("pell_host_out", "cilium_host", false);
  programs.attach("pell_net_in", "cilium_net", true);
  const Tap cilium_host("cilium_host"), cilium_net("cilium_net");
  const Bytes bytes = frame(to("cilium_host", {.dst = "10.77.0.1"}));
  cilium_host.send(bytes);
  CHECK(cilium_net.silent());
  CHECK(programs.drops() == Drops{{DROP_NO_KEY, {1, bytes.size()}}});

  cilium_host.send(frame(to("cilium_net", {.dst = "10.77.0.1"})));
  CHECK(cilium_net.receive().value_or(Received{.type = PACKET_LOOPBACK}).type == PACKET_HOST);
  Packet broadcast{.dst = "10.77.0.1"};
  broadcast.to = {255, 255, 255, 255, 255, 255};
  cilium_host.send(frame(broadcast));
  CHECK(cilium_net.receive().value_or(Received{.type = PACKET_LOOPBACK}).type == PACKET_BROADCAST);
}

TEST_CASE("devices: what is masqueraded goes from cilium_host to the wire") {
  const Net net;
  const Programs programs = configured(net.config());
  programs.attach("pell_host_out", "cilium_host", false);
  programs.attach("pell_uplink_out", "eth0", false);
  set_sysctl("net/ipv4/conf/cilium_host/forwarding", "1");
  ip("route add 10.0.0.0/24 via 172.18.0.4 dev eth0");
  ip("neighbour add 172.18.0.4 lladdr 02:00:00:00:00:04 dev eth0");
  const Tap cilium_host("cilium_host"), cilium_net("cilium_net"), wire("wire");
  for (const size_t payload : {size_t{64}, kJumbo}) {
    const Bytes bytes =
        frame(to("cilium_host", {.src = "172.18.0.3", .dst = "10.0.0.249", .payload = payload}));
    cilium_host.send(bytes, 0x4000);
    CHECK(wire.receive().value_or(Received{}).frame == readdressed(bytes, kPeer, mac("eth0")));
  }
  CHECK(cilium_net.silent());
  CHECK(programs.drops().empty());
}

TEST_CASE("devices: ESP goes from cilium_host through cilium_net and the auditor to the wire") {
  const Net net;
  const Programs programs = configured(net.config());
  programs.attach("pell_host_out", "cilium_host", false);
  programs.attach("pell_net_in", "cilium_net", true);
  programs.attach("pell_uplink_out", "eth0", false);
  ip("route add 10.0.0.0/24 via 172.18.0.4 dev eth0");
  const Tap cilium_host("cilium_host"), wire("wire"), arp("wire", 0x0806);
  set_sysctl("net/ipv4/neigh/eth0/mcast_solicit", "100");  // a slow guest needs many retries
  cilium_host.send(frame(kEspOut), 0x3e00);
  CHECK(arp.receive());  // the kernel asks for the neighbour and holds the packet
  CHECK(wire.silent());
  ip("neighbour replace 172.18.0.4 lladdr 02:00:00:00:00:04 dev eth0");
  CHECK(wire.receive().value_or(Received{}).frame ==
        readdressed(frame(kEspOut), kPeer, mac("eth0")));

  Packet packet = kEspOut;
  for (const size_t payload : {size_t{64}, kJumbo}) {
    packet.payload = payload;
    cilium_host.send(frame(packet), 0x3e00);
    const auto received = wire.receive();
    REQUIRE(received);
    CHECK(received->frame == readdressed(frame(packet), kPeer, mac("eth0")));
    CHECK(received->mark == 0);
  }
  CHECK(programs.drops().empty());
}

TEST_CASE("devices: ESP finds a peer behind an IPv6 next hop") {
  const Net net;
  const Programs programs = configured(net.config());
  programs.attach("pell_net_in", "cilium_net", true);
  ip("address add fd00::3/64 dev eth0 nodad");
  ip("neighbour add fd00::4 lladdr 02:00:00:00:00:04 dev eth0");
  ip("route add 10.0.0.0/24 via inet6 fd00::4 dev eth0");
  const Tap cilium_host("cilium_host"), wire("wire");
  cilium_host.send(frame(kEspOut), 0x3e00);
  const auto received = wire.receive();
  REQUIRE(received);
  CHECK(received->frame == readdressed(frame(kEspOut), kPeer, mac("eth0")));
}

TEST_CASE("devices: cilium_host delivers to the pod's device with the pod's addresses") {
  const Net net;
  Programs programs = configured(net.config());
  programs.attach("pell_host_out", "cilium_host", false);
  endpoint_value endpoint{.ifindex = ifindex("lxc")};
  const MacBytes pod_mac = mac("pod"), host_mac = mac("lxc");
  std::copy(pod_mac.begin(), pod_mac.end(), endpoint.pod_mac);
  std::copy(host_mac.begin(), host_mac.end(), endpoint.host_mac);
  programs.set_endpoint("10.0.1.52", endpoint);
  const Tap cilium_host("cilium_host"), pod("pod"), cilium_net("cilium_net");
  for (const size_t payload : {size_t{0}, size_t{64}, kJumbo}) {
    const Bytes bytes = frame({.src = "10.0.0.249", .dst = "10.0.1.52", .payload = payload});
    cilium_host.send(bytes);
    const auto received = pod.receive();
    REQUIRE(received);
    CHECK(received->type == PACKET_HOST);
    CHECK(received->frame == readdressed(bytes, pod_mac, host_mac));
  }
  CHECK(cilium_net.silent());
}

TEST_CASE("devices: what no pod has is dropped and counted at cilium_net") {
  const Net net;
  const Programs programs = configured(net.config());
  programs.attach("pell_host_out", "cilium_host", false);
  programs.attach("pell_net_in", "cilium_net", true);
  const Tap cilium_host("cilium_host"), cilium_net("cilium_net");
  const Bytes bytes = frame({.src = "10.0.0.249", .dst = "10.0.1.77"});
  cilium_host.send(bytes);
  CHECK(cilium_net.silent());
  CHECK(programs.drops() == Drops{{DROP_NO_ENDPOINT, {1, bytes.size()}}});
}

}  // namespace this_file
