// pell_l3_in and pell_l3_out: the uplink's programs for devices without an Ethernet header.
#include <linux/if_packet.h>

#include <cstring>

#include "tests/bpf/listener.h"
#include "tests/bpf/net.h"
#include "tests/bpf/programs.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::datapath;

namespace {

constexpr uint8_t kTcp = 6;
constexpr size_t kJumbo = 8900;
constexpr uint32_t kPayloadSpi = 0x00010203;  // a payload starts with bytes 0, 1, 2, 3

// BPF_PROG_TEST_RUN reads the first 14 bytes as an Ethernet header, whose last two bytes must hold
// the ethertype. Here those two bytes belong to the source address, so every source address begins
// with 8.0 or fd00:10:86dd.
Programs configured_for_bare() {
  Programs programs;
  programs.configure({.v4 = {.prefix = address("8.0.1.0"),
                             .mask = mask("8.0.1.0", 24),
                             .router = address("8.0.1.138")},
                      .v6 = {.prefix = address("fd00:10:86dd:1::"),
                             .mask = mask("fd00:10:86dd:1::", 64),
                             .router = address("fd00:10:86dd:1::8a")}});
  programs.set_peer("8.0.0.0", 24, 3);
  programs.set_peer("8.0.2.0", 24, KEY_NOT_YET);
  programs.set_peer("fd00:10:86dd::", 64, 3);
  programs.set_peer("fd00:10:86dd:2::", 64, KEY_NOT_YET);
  return programs;
}

struct Family {
  std::string pod, router, peer, peer_router, without_key, elsewhere;
};
const Family kIpv4{"8.0.1.52", "8.0.1.138", "8.0.0.249", "8.0.0.40", "8.0.2.1", "8.0.9.9"};
const Family kIpv6{"fd00:10:86dd:1::34", "fd00:10:86dd:1::8a", "fd00:10:86dd::f9",
                   "fd00:10:86dd::28",   "fd00:10:86dd:2::1",  "fd00:10:86dd:9::9"};

void leaves_mark(const std::string& program, const Packet& packet, uint32_t before,
                 uint32_t after) {
  const Programs programs = configured_for_bare();
  const Bytes bytes = bare(packet);
  CHECK(programs.run(program, bytes, before) == Outcome{TC_ACT_UNSPEC, after, bytes});
  CHECK(programs.drops().empty());
}

void is_dropped(const Packet& packet, drop_reason reason) {
  const Programs programs = configured_for_bare();
  const Bytes bytes = bare(packet);
  CHECK(programs.run("pell_l3_out", bytes, 0x4000).verdict == TC_ACT_SHOT);
  CHECK(programs.drops() == Drops{{reason, {1, bytes.size()}}});
}

bool is(const ip_address& found, const std::string& expected) {
  const ip_address value = address(expected);
  return std::memcmp(&found, &value, sizeof(value)) == 0;
}

// The only event since the last call; it describes `packet`.
event heard_of(Listener& listener, const Packet& packet) {
  const auto events = listener.heard();
  REQUIRE(events.size() == 1);
  CHECK(is(events[0].source, packet.src));
  CHECK(is(events[0].destination, packet.dst));
  CHECK(events[0].protocol == packet.protocol);
  CHECK(events[0].length == bare(packet).size());
  return events[0];
}

const Packet kEspIn{.src = "10.0.0.40", .dst = "10.0.1.138", .protocol = kEsp};
const Packet kEspIn6{.src = "fd00:10::28", .dst = "fd00:10:1::8a", .protocol = kEsp};
const Packet kEspOut{.src = "10.0.1.138", .dst = "10.0.0.40", .protocol = kEsp};
const Packet kEspOut6{.src = "fd00:10:1::8a", .dst = "fd00:10::28", .protocol = kEsp};
const Packet kClear{.src = "10.0.1.52", .dst = "10.0.0.249", .protocol = kTcp};
const Packet kClear6{.src = "fd00:10:1::34", .dst = "fd00:10::f9", .protocol = kTcp};

// One byte short of the fixed header; for IPv4 also one byte short of its options.
std::vector<Bytes> cut_short(Packet packet) {
  packet.payload = 0;
  if (packet.src.find(':') != std::string::npos) return {cut(bare(packet), 39)};
  packet.ihl = 6;
  return {cut(bare(packet), 19), cut(bare(packet), 23)};
}

uint16_t ethertype(const Packet& packet) {
  return packet.src.find(':') != std::string::npos ? 0x86dd : 0x0800;
}

}  // namespace

TEST_CASE("l3 in: ESP for this node is marked, what was decrypted loses its mark") {
  const std::string program = "pell_l3_in";
  const Family of = GENERATE(kIpv4, kIpv6);
  const Packet esp{.src = of.peer_router, .dst = of.router, .protocol = kEsp};
  const Packet clear{.src = of.peer, .dst = of.pod};
  leaves_mark(program, esp, 0, 0xd00);
  leaves_mark(program, {.src = of.peer, .dst = of.pod, .protocol = kEsp}, 0x77, 0x77);
  leaves_mark(program, clear, 0, 0);
  leaves_mark(program, clear, 0xd00, 0);
  leaves_mark(program, esp, 0xd00, 0x200);
  leaves_mark(program, {.src = of.peer, .dst = of.router}, 0xd00, 0x200);
  leaves_mark(program, {.src = of.peer, .dst = of.elsewhere}, 0xd00, 0x200);
  leaves_mark(program, {.src = of.peer, .dst = of.pod, .version = 7}, 0xd00, 0);
  leaves_mark(program, {.src = of.peer, .dst = of.router, .protocol = kEsp, .version = 7}, 0, 0);
}

TEST_CASE("l3 out: clear text of pods is dropped, ESP of ours and the rest leave") {
  const Family of = GENERATE(kIpv4, kIpv6);
  const auto leaves = [](const Packet& packet) {
    leaves_mark("pell_l3_out", packet, 0x4000, 0x4000);
  };
  is_dropped({.src = of.pod, .dst = of.peer}, DROP_UNENCRYPTED);
  is_dropped({.src = of.router, .dst = of.peer}, DROP_UNENCRYPTED);
  is_dropped({.src = of.pod, .dst = of.peer_router, .protocol = kEsp}, DROP_UNENCRYPTED);
  is_dropped({.src = of.pod, .dst = of.without_key}, DROP_NO_KEY);
  is_dropped({.src = of.peer, .dst = of.pod}, DROP_NO_ROUTE);
  leaves({.src = of.router, .dst = of.peer_router, .protocol = kEsp});
  leaves({.src = of.pod, .dst = of.elsewhere});
  leaves({.src = of.elsewhere, .dst = of.peer});
  leaves({.src = of.pod, .dst = of.peer, .version = 7});
}

TEST_CASE("l3 out: what stays on the link passes") {
  leaves_mark("pell_l3_out", {.src = kIpv6.router, .dst = "fe80::4", .protocol = 58}, 0, 0);
  leaves_mark("pell_l3_out", {.src = kIpv6.router, .dst = "ff02::1", .protocol = 58}, 0, 0);
}

TEST_CASE("l3: without configuration everything passes") {
  const Programs programs;
  const Bytes bytes = bare({.src = kIpv4.pod, .dst = kIpv4.peer});
  CHECK(programs.run("pell_l3_in", bytes, 0xd00) == Outcome{TC_ACT_UNSPEC, 0, bytes});
  CHECK(programs.run("pell_l3_out", bytes, 5) == Outcome{TC_ACT_UNSPEC, 5, bytes});
}

TEST_CASE("l3: what was decrypted is told of with its addresses and ports") {
  const Family of = GENERATE(kIpv4, kIpv6);
  const Programs programs = configured_for_bare();
  Listener listener(programs);
  listener.listen();
  const Packet packet{.src = of.peer, .dst = of.pod, .protocol = kTcp};
  programs.run("pell_l3_in", bare(packet), 0xd00);
  const event told = heard_of(listener, packet);
  CHECK(told.kind == EVENT_DECRYPTED);
  CHECK(told.source_port == 0x0001);
  CHECK(told.destination_port == 0x0203);
}

TEST_CASE("l3 devices: ESP that comes in is marked and told of, other packets are not") {
  const Net net;
  const Programs programs = configured(net.config());
  const Tun tun("tun");
  programs.attach("pell_l3_in", "tun", true);
  Listener listener(programs);
  listener.listen();
  Packet packet = GENERATE(kEspIn, kEspIn6);
  const Tap tap("tun", ethertype(packet));
  for (const size_t payload : {size_t{4}, size_t{64}, kJumbo}) {
    packet.payload = payload;
    tun.arrive(bare(packet));
    const auto received = tap.receive();
    REQUIRE(received);
    CHECK(received->mark == 0xd00);
    CHECK(received->type == PACKET_HOST);
    CHECK(received->frame == bare(packet));
    const event told = heard_of(listener, packet);
    CHECK(told.kind == EVENT_RECEIVED);
    CHECK(told.spi == kPayloadSpi);
    CHECK(told.ifindex == ifindex("tun"));
  }
  packet.protocol = kTcp;
  tun.arrive(bare(packet));
  CHECK(tap.receive().value_or(Received{.mark = 1}).mark == 0);
  packet.protocol = kEsp;
  for (const Bytes& bytes : cut_short(packet)) {
    tun.arrive(bytes);
    const auto received = tap.receive();
    REQUIRE(received);
    CHECK(received->frame == bytes);
    CHECK(received->mark == 0);
  }
  CHECK(listener.heard().empty());
}

TEST_CASE("l3 devices: the auditor drops clear text and tells of it, ESP of ours leaves") {
  const Net net;
  const Programs programs = configured(net.config());
  const Tun tun("tun");
  programs.attach("pell_l3_out", "tun", false);
  Listener listener(programs);
  listener.listen();
  const auto [clear, esp] = GENERATE(std::pair(kClear, kEspOut), std::pair(kClear6, kEspOut6));
  const Tap tap("tun", ethertype(clear));
  Packet packet = clear;
  Dropped expected;
  for (const size_t payload : {size_t{4}, size_t{64}, kJumbo}) {
    packet.payload = payload;
    tap.send(bare(packet), 0x4000);
    expected.packets += 1;
    expected.bytes += bare(packet).size();
    const event told = heard_of(listener, packet);
    CHECK(told.kind == EVENT_DROPPED);
    CHECK(told.reason == DROP_UNENCRYPTED);
    CHECK(told.source_port == 0x0001);
    CHECK(told.destination_port == 0x0203);
    CHECK(told.ifindex == ifindex("tun"));
  }
  CHECK(tun.silent());
  CHECK(programs.drops() == Drops{{DROP_UNENCRYPTED, expected}});
  tap.send(bare(esp));
  CHECK(tun.left() == bare(esp));
  for (const Bytes& bytes : cut_short(clear)) {
    tap.send(bytes);
    CHECK(tun.left() == bytes);
  }
  CHECK(listener.heard().empty());
}

TEST_CASE("l3 devices: our ESP goes from cilium_net out through a device without header") {
  const Net net;
  const Programs programs = configured(net.config());
  const Tun tun("tun");
  programs.attach("pell_net_in", "cilium_net", true);
  programs.attach("pell_l3_out", "tun", false);
  ip("route add 10.0.0.0/24 dev tun");
  const Tap cilium_host("cilium_host");
  Packet packet = kEspOut;
  for (const size_t payload : {size_t{64}, kJumbo}) {
    packet.payload = payload;
    cilium_host.send(frame(packet), 0x3e00);
    CHECK(tun.left() == bare(packet));
  }
  CHECK(programs.drops().empty());
}

TEST_CASE("l3 devices: an IP-in-IP tunnel, both ways") {
  const Net net;
  const Programs programs = configured(net.config());
  ip("link add tunnel type ipip local 172.18.0.3 remote 172.18.0.4");
  ip("link set tunnel up");
  ip("neighbour add 172.18.0.4 lladdr 02:00:00:00:00:04 dev eth0");
  programs.attach("pell_l3_in", "tunnel", true);
  programs.attach("pell_l3_out", "tunnel", false);
  const Tap tunnel("tunnel"), wire("wire");
  tunnel.send(bare(kClear));
  tunnel.send(bare(kEspOut));
  const auto sent = wire.receive();
  REQUIRE(sent);
  const Bytes inner = bare(kEspOut);
  REQUIRE(sent->frame.size() == 14 + 20 + inner.size());
  CHECK(Bytes(sent->frame.begin() + 14 + 20, sent->frame.end()) == inner);
  CHECK(wire.silent());
  CHECK(programs.drops() == Drops{{DROP_UNENCRYPTED, {1, bare(kClear).size()}}});

  const Bytes esp = bare(kEspIn);
  Bytes arrives = frame({.src = "172.18.0.4",
                         .dst = "172.18.0.3",
                         .protocol = 4,
                         .payload = esp.size(),
                         .to = mac("eth0")});
  std::copy(esp.begin(), esp.end(), arrives.end() - static_cast<ptrdiff_t>(esp.size()));
  wire.send(arrives);
  const auto received = tunnel.receive();
  REQUIRE(received);
  CHECK(received->frame == esp);
  CHECK(received->mark == 0xd00);
  CHECK(received->type == PACKET_HOST);
}

}  // namespace this_file
