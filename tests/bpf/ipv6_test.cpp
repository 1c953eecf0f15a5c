// Every program with IPv6: what differs from IPv4, and that nothing else does.
#include "tests/bpf/net.h"
#include "tests/bpf/programs.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::datapath;

namespace {

constexpr uint32_t kForged = 0xdead'be00;
constexpr uint8_t kIcmp = 58;
constexpr Header kHopByHop{.type = 0};
constexpr Header kRouting{.type = 43, .words = 2};
constexpr Header kDestination{.type = 60, .words = 3};
constexpr Header kFirstFragment{.type = 44, .fragment = 0x0001};
constexpr Header kLaterFragment{.type = 44, .fragment = 0x05a8};

const Packet kToPeer{.src = "fd00:10:1::34", .dst = "fd00:10::f9"};
const Packet kEspIn{.src = "fd00:10::28", .dst = "fd00:10:1::8a", .protocol = kEsp};
const Packet kEspOut{.src = "fd00:10:1::8a", .dst = "fd00:10::28", .protocol = kEsp};

Packet to(const std::string& dst) {
  return {.src = "fd00:10:1::34", .dst = dst};
}

Packet with(Packet packet, std::vector<Header> headers) {
  packet.headers = std::move(headers);
  return packet;
}

struct Program {
  const char* name;
  uint32_t mark;  // the mark on arrival
  int pass;       // its verdict for a packet that it accepts
};
constexpr Program kLxcIn{"pell_lxc_in", kForged, TC_ACT_OK};
constexpr Program kUplinkIn{"pell_uplink_in", 0, TC_ACT_UNSPEC};
constexpr Program kDecrypted{"pell_uplink_in", 0xd00, TC_ACT_UNSPEC};
constexpr Program kUplinkOut{"pell_uplink_out", 0x4000, TC_ACT_UNSPEC};
constexpr Program kHostOut{"pell_host_out", 0x4000, TC_ACT_OK};
constexpr Program kHostOutMarked{"pell_host_out", 0x3e00, TC_ACT_OK};
constexpr Program kNetIn{"pell_net_in", 0, TC_ACT_OK};
constexpr Program kNetInMarked{"pell_net_in", 0x3e00, TC_ACT_OK};

void passes(const Programs& programs, const Program& program, const Packet& packet, uint32_t mark) {
  const Bytes bytes = frame(packet);
  CHECK(programs.run(program.name, bytes, program.mark) == Outcome{program.pass, mark, bytes});
  CHECK(programs.drops().empty());
}

void is_dropped(const Program& program, const Bytes& bytes, drop_reason reason,
                const Programs& programs = configured()) {
  CHECK(programs.run(program.name, bytes, program.mark).verdict == TC_ACT_SHOT);
  CHECK(programs.drops() == Drops{{reason, {1, bytes.size()}}});
}

std::vector<Header> seven() {
  return std::vector<Header>(7, kDestination);
}

}  // namespace

TEST_CASE("ipv6 lxc in: a packet for a peer's pod gets the peer's key id") {
  Programs programs = configured();
  passes(programs, kLxcIn, kToPeer, 0x3e00);
  passes(programs, kLxcIn, with(kToPeer, {kHopByHop, kRouting, kDestination}), 0x3e00);
  passes(programs, kLxcIn, with(kToPeer, {kFirstFragment}), 0x3e00);
  passes(programs, kLxcIn, with(kToPeer, {kLaterFragment}), 0x3e00);
  passes(programs, kLxcIn, to("fd00:10:0:0:ffff:ffff:ffff:ffff"), 0x3e00);
  programs.set_peer("fd00:10::f9", 128, 5);
  passes(programs, kLxcIn, kToPeer, 0x5e00);
  passes(programs, kLxcIn, to("fd00:10::f8"), 0x3e00);
}

TEST_CASE("ipv6 lxc in: no key, no peer, local pods, the rest of the world") {
  Programs programs = configured();
  passes(programs, kLxcIn, to("fd00:10:9::9"), 0);
  passes(programs, kLxcIn, to("fd00:10:1::67"), 0);
  passes(programs, kLxcIn, to("fd00:10:1::8a"), 0);
  passes(programs, kLxcIn, to("2001:db8::1"), 0);
  programs.set_peer("fd00:10:1::67", 128, 7);  // an entry in the peers map changes nothing
  passes(programs, kLxcIn, to("fd00:10:1::67"), 0);
  is_dropped(kLxcIn, frame(to("fd00:10:2::1")), DROP_NO_KEY);
}

TEST_CASE("ipv6 lxc in: what stays on the link passes, also where a network covers it") {
  Programs programs = configured();
  programs.set_peer("::", 0, 0);
  programs.set_source(1, "fe80::34", 128);
  const std::string dst =
      GENERATE("fe80::1", "febf:ffff::1", "ff02::1", "ff02::1:ff00:8a", "ff02::16", "ff05::2");
  passes(programs, kLxcIn, {.src = "fe80::34", .dst = dst, .protocol = kIcmp}, 0);
  passes(programs, kLxcIn, with({.src = "fe80::34", .dst = dst, .protocol = kIcmp}, {kHopByHop}),
         0);
  is_dropped(kLxcIn, frame(to("fec0::1")), DROP_NO_KEY, programs);
}

TEST_CASE("ipv6 lxc in: headers that cannot be read are dropped") {
  is_dropped(kLxcIn, frame({.src = kToPeer.src, .dst = kToPeer.dst, .version = 4}), DROP_MALFORMED);
  is_dropped(kLxcIn, frame(with(kToPeer, seven())), DROP_MALFORMED);
  is_dropped(kLxcIn, cut(frame(with(kToPeer, {kDestination})), 14 + 40 + 2), DROP_MALFORMED);
  is_dropped(kLxcIn, cut(frame(with(kToPeer, {kDestination, kHopByHop})), 14 + 40 + 32),
             DROP_MALFORMED);
  const Programs programs = configured();
  passes(programs, kLxcIn, with(kToPeer, std::vector<Header>(6, kDestination)), 0x3e00);
}

TEST_CASE("ipv6 uplink in: ESP for this node is marked, behind headers and in fragments too") {
  const Programs programs = configured();
  passes(programs, kUplinkIn, kEspIn, 0xd00);
  passes(programs, kUplinkIn, with(kEspIn, {kHopByHop, kRouting, kDestination}), 0xd00);
  passes(programs, kUplinkIn, with(kEspIn, {kFirstFragment}), 0xd00);
  passes(programs, kUplinkIn, with(kEspIn, {kLaterFragment}), 0xd00);
  passes(programs, kUplinkIn, with(kEspIn, {kFirstFragment, kDestination}), 0xd00);
}

TEST_CASE("ipv6 uplink in: everything else is left alone") {
  const Programs programs = configured();
  passes(programs, kUplinkIn, {.src = "fd00:172::4", .dst = "fd00:172::3", .protocol = kEsp}, 0);
  passes(programs, kUplinkIn, {.src = "fd00:172::4", .dst = "fd00:10:1::34", .protocol = kEsp}, 0);
  passes(programs, kUplinkIn, {.src = "fd00:172::4", .dst = "fd00:10:1::8a", .protocol = kIcmp}, 0);
  passes(programs, kUplinkIn, {.src = "fe80::4", .dst = "ff02::1", .protocol = kIcmp}, 0);
  passes(programs, kUplinkIn, with(kEspIn, seven()), 0);
  // A UDP fragment whose data look like an ESP header.
  passes(programs, kUplinkIn, with({.src = kEspIn.src, .dst = kEspIn.dst}, {kLaterFragment}), 0);
}

TEST_CASE("ipv6 uplink in: a decrypted packet loses its mark, for the node itself it keeps one") {
  const Programs programs = configured();
  passes(programs, kDecrypted, {.src = "fd00:10::f9", .dst = "fd00:10:1::34"}, 0);
  passes(programs, kDecrypted, {.src = "fd00:10::f9", .dst = "fd00:10:1::8a"}, 0x200);
  passes(programs, kDecrypted, kEspIn, 0x200);
}

TEST_CASE("ipv6 uplink out: clear text to a peer's pod is dropped") {
  is_dropped(kUplinkOut, frame(kToPeer), DROP_UNENCRYPTED);
  is_dropped({"pell_uplink_out", 0x3e00, 0}, frame(kToPeer), DROP_UNENCRYPTED);
  is_dropped(kUplinkOut, frame({.src = "fd00:10:1::8a", .dst = "fd00:10::f9"}), DROP_UNENCRYPTED);
  is_dropped(kUplinkOut, frame(with(kToPeer, {kLaterFragment})), DROP_UNENCRYPTED);
  is_dropped(kUplinkOut, frame(with(kToPeer, seven())),
             DROP_UNENCRYPTED);  // a receiver may accept it
  is_dropped(kUplinkOut, frame({.src = "fd00:10:1::34", .dst = "fd00:10::28", .protocol = kEsp}),
             DROP_UNENCRYPTED);
}

TEST_CASE("ipv6 uplink out: ESP of ours, discovery and other traffic leave") {
  const Programs programs = configured();
  const auto leaves = [&](const Packet& packet) { passes(programs, kUplinkOut, packet, 0x4000); };
  leaves(kEspOut);
  leaves(with(kEspOut, {kFirstFragment}));
  leaves(with(kEspOut, {kLaterFragment}));
  leaves(to("2001:db8::1"));
  leaves(to("fd00:10:77::1"));
  leaves({.src = "fd00:172::3", .dst = "fd00:172::4"});
  leaves({.src = "fd00:172::3", .dst = "fd00:10::f9"});
  leaves({.src = "fd00:10:1::8a", .dst = "ff02::1:ff00:4", .protocol = kIcmp});
  leaves({.src = "fd00:10:1::8a", .dst = "fe80::4", .protocol = kIcmp});
  leaves({.src = kToPeer.src, .dst = kToPeer.dst, .version = 4});
}

TEST_CASE("ipv6: what stays on the link or cannot be read, where an entry covers all addresses") {
  Programs programs = configured();
  programs.set_peer("::", 0, 3);
  const Packet malformed{.src = kToPeer.src, .dst = kToPeer.dst, .version = 4};
  for (const char* dst : {"ff02::1:ff00:4", "fe80::4"})
    passes(programs, kUplinkOut, {.src = "fd00:10:1::8a", .dst = dst, .protocol = kIcmp}, 0x4000);
  passes(programs, kUplinkOut, malformed, 0x4000);
  passes(programs, kHostOut, malformed, 0x4000);
}

TEST_CASE("ipv6 uplink out: a peer without a key, and what is for a local pod") {
  is_dropped(kUplinkOut, frame(to("fd00:10:2::1")), DROP_NO_KEY);
  is_dropped(kUplinkOut, frame({.src = "fd00:10::f9", .dst = "fd00:10:1::34"}), DROP_NO_ROUTE);
}

TEST_CASE("ipv6 host out: a local pod gets its packets, ESP of ours passes, nothing marked else") {
  Programs programs = configured();
  endpoint_value pod{.ifindex = 1};
  std::fill(std::begin(pod.pod_mac), std::end(pod.pod_mac), uint8_t{2});
  std::fill(std::begin(pod.host_mac), std::end(pod.host_mac), uint8_t{4});
  programs.set_endpoint("fd00:10:1::34", pod);
  const Bytes bytes = frame({.src = "fd00:10::f9", .dst = "fd00:10:1::34"});
  CHECK(programs.run("pell_host_out", bytes) ==
        Outcome{TC_ACT_REDIRECT, 0, readdressed(bytes, {2, 2, 2, 2, 2, 2}, {4, 4, 4, 4, 4, 4})});
  passes(programs, kHostOutMarked, kEspOut, 0x3e00);
  passes(programs, kHostOutMarked, with(kEspOut, {kLaterFragment}), 0x3e00);
  is_dropped(kHostOutMarked, frame(kToPeer), DROP_UNENCRYPTED);
  is_dropped(kHostOutMarked,
             frame({.src = "fd00:10:1::34", .dst = "fd00:10::28", .protocol = kEsp}),
             DROP_UNENCRYPTED);
  is_dropped(kHostOutMarked, frame({.src = "fd00:10::f9", .dst = "fd00:10:1::34"}),
             DROP_UNENCRYPTED);
}

TEST_CASE("ipv6 host out: what routing sent here for a peer's pods is marked, the rest passes") {
  const Programs programs = configured();
  passes(programs, kHostOut, kToPeer, 0x3e00);
  passes(programs, kHostOut, {.src = "fd00:10:1::8a", .dst = "fd00:10::f9"}, 0x3e00);
  passes(programs, kHostOut, with(kToPeer, {kLaterFragment}), 0x3e00);
  passes(programs, kHostOut, with(kToPeer, seven()), 0x3e00);
  passes(programs, kHostOut, to("fd00:10:1::35"), 0x4000);
  passes(programs, kHostOut, to("2001:db8::1"), 0x4000);
  passes(programs, kHostOut, {.src = "fe80::1", .dst = "ff02::2", .protocol = kIcmp}, 0x4000);
  is_dropped(kHostOut, frame(to("fd00:10:2::1")), DROP_NO_KEY);
}

TEST_CASE("ipv6 host out: what is masqueraded is sent on by the node's own routes") {
  const Net net;
  const Programs programs = configured(net.config());
  set_sysctl("net/ipv6/conf/all/disable_ipv6", "0");
  set_sysctl("net/ipv6/conf/all/forwarding", "1");
  ip("address add fd00:172::3/64 dev eth0 nodad");
  const Packet packet{.src = "fd00:172::3", .dst = "fd00:10::f9"};
  const auto sent = [&] {
    return programs.run("pell_host_out", frame(packet), 0x4000, ifindex("cilium_host"));
  };
  CHECK(sent().verdict == TC_ACT_SHOT);
  CHECK(programs.drops() == Drops{{DROP_NO_ROUTE, {1, frame(packet).size()}}});
  ip("route add fd00:10::/64 via fd00:172::4 dev eth0");
  CHECK(sent() == Outcome{TC_ACT_REDIRECT, 0, frame(packet)});
}

TEST_CASE("ipv6 net in: ESP is sent on by the node's own routes, its neighbour known or not") {
  const Net net;
  const Programs programs = configured(net.config());
  set_sysctl("net/ipv6/conf/all/disable_ipv6", "0");
  set_sysctl("net/ipv6/conf/all/forwarding", "1");
  ip("address add fd00:172::3/64 dev eth0 nodad");
  const auto sent = [&](const Packet& packet = kEspOut) {
    return programs.run("pell_net_in", frame(packet), 0x3e00, ifindex("cilium_net"));
  };
  CHECK(sent().verdict == TC_ACT_SHOT);
  CHECK(programs.drops() == Drops{{DROP_NO_ROUTE, {1, frame(kEspOut).size()}}});
  ip("route add fd00:10::/64 via fd00:172::4 dev eth0");
  CHECK(sent() == Outcome{TC_ACT_REDIRECT, 0, frame(kEspOut)});
  ip("neighbour add fd00:172::4 lladdr 02:00:00:00:00:04 dev eth0");
  CHECK(sent() == Outcome{TC_ACT_REDIRECT, 0, frame(kEspOut)});
  CHECK(sent(with(kEspOut, {kLaterFragment})).verdict == TC_ACT_REDIRECT);
  ip("route replace fd00:10::/64 dev cilium_host");  // back to the device that it came from
  CHECK(sent().verdict == TC_ACT_SHOT);
  ip("route replace fd00:10::/64 via fd00:172::4 dev eth0");
  ip6("rule add pref 1 tos 0xa8 lookup 200");  // traffic class 0xab without its ECN bits
  CHECK(sent().verdict == TC_ACT_REDIRECT);
  ip6("route add prohibit fd00:10::/64 table 200");
  CHECK(sent().verdict == TC_ACT_SHOT);
  ip6("rule del pref 1");
  CHECK(sent().verdict == TC_ACT_REDIRECT);
  set_sysctl("net/ipv6/conf/cilium_net/forwarding", "0");
  CHECK(sent().verdict == TC_ACT_SHOT);
}

TEST_CASE(
    "ipv6 net in: what cilium_host marked passes, clear text that a route led here does not") {
  const Programs programs = configured();
  passes(programs, kNetInMarked, kToPeer, 0x3e00);
  passes(programs, kNetInMarked, {.src = "fd00:10:1::34", .dst = "fd00:10::28", .protocol = kEsp},
         0x3e00);
  passes(programs, kNetIn, kToPeer, 0);
  passes(programs, kNetIn, {.src = "fe80::1", .dst = "ff02::2", .protocol = kIcmp}, 0);
  is_dropped(kNetIn, frame({.src = "fd00:10::f9", .dst = "fd00:10:1::77"}), DROP_NO_ENDPOINT);
  const auto addressed = [](Packet packet) {
    packet.to = {2, 0, 0, 0, 0, 1};  // as cilium_host addresses the frames it sends
    return packet;
  };
  is_dropped(kNetIn, frame(addressed(to("fd00:10:77::1"))), DROP_NO_KEY);
  passes(programs, kNetIn, addressed({.src = "fe80::1", .dst = "ff02::2", .protocol = kIcmp}), 0);
  passes(programs, kNetIn, addressed({.src = "fe80::1", .dst = "fe80::2", .protocol = kIcmp}), 0);
}

TEST_CASE("ipv6: a node without pods of one family leaves that family alone, not the other") {
  auto config = worker();
  const bool ipv4_only = GENERATE(true, false);
  (ipv4_only ? config.v6 : config.v4) = {};
  Programs programs;
  programs.configure(config);
  for (const char* any : {"0.0.0.0", "::"}) programs.set_source(1, any, 0);
  const Packet none = ipv4_only ? kToPeer : Packet{};
  const Packet zero = ipv4_only ? Packet{.src = "fd00::1", .dst = "::", .protocol = kEsp}
                                : Packet{.dst = "0.0.0.0", .protocol = kEsp};
  for (const auto& packet : {none, zero}) {
    passes(programs, kLxcIn, packet, 0);
    passes(programs, kUplinkIn, packet, 0);
    passes(programs, kUplinkOut, packet, 0x4000);
    passes(programs, kHostOut, packet, 0x4000);
    passes(programs, kNetIn, packet, 0);
  }
  const Packet other = ipv4_only ? Packet{} : kToPeer;
  programs.set_peer(ipv4_only ? "10.0.0.0" : "fd00:10::", 24, 3);
  passes(programs, kLxcIn, other, 0x3e00);
  passes(programs, kHostOut, other, 0x3e00);
  is_dropped(kUplinkOut, frame(other), DROP_UNENCRYPTED, programs);
}

}  // namespace this_file
