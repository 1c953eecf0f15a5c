// Which events the programs write for a listener, and when they write none.
#include <cstring>

#include "tests/bpf/listener.h"
#include "tests/bpf/net.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::datapath;

namespace {

constexpr uint32_t kLoopback = 1;  // the device that BPF_PROG_TEST_RUN sets by default
constexpr uint8_t kTcp = 6, kIcmp = 1, kSctp = 132;
constexpr Header kFirstFragment{44, 0, 0x0001}, kLaterFragment{44, 0, 0x0008}, kHopByHop{0, 1, 0};
const Packet kEspOut{.src = "10.0.1.138", .dst = "10.0.0.40", .protocol = kEsp};
const Packet kEspIn{.src = "10.0.0.40", .dst = "10.0.1.138", .protocol = kEsp};

bool is(const ip_address& found, const std::string& expected) {
  const ip_address value = address(expected);
  return std::memcmp(&found, &value, sizeof(value)) == 0;
}

// Runs the program once, checks the fields common to all events, and returns its only event.
event told(const Programs& programs, const std::string& program, const Packet& packet,
           uint32_t mark = 0) {
  Listener listener(programs);
  listener.listen();
  const Bytes bytes = frame(packet);
  programs.run(program, bytes, mark);
  const auto events = listener.heard();
  REQUIRE(events.size() == 1);
  const event& first = events.front();
  CHECK(first.length == bytes.size());
  CHECK(first.time > 0);
  if (first.family != 0) {
    CHECK(is(first.source, packet.src));
    CHECK(is(first.destination, packet.dst));
  }
  return first;
}

struct Ports {
  uint32_t source, destination;
  bool operator==(const Ports&) const = default;
};

// A payload starts with bytes 0, 1, 2, 3.
constexpr Ports kPayloadPorts{0x0001, 0x0203};
constexpr uint32_t kPayloadSpi = 0x00010203;

Ports ports_of(const Packet& packet) {
  const auto event = told(configured(), "pell_lxc_in", packet);
  return {event.source_port, event.destination_port};
}

}  // namespace

TEST_CASE("monitor: nothing is written without a listener") {
  const Programs programs = configured();
  Listener listener(programs);
  programs.run("pell_lxc_in", frame({}));
  programs.run("pell_lxc_in", frame({.dst = "10.0.2.1"}));
  CHECK(listener.heard().empty());
  listener.listen();
  programs.run("pell_lxc_in", frame({}));
  CHECK(listener.heard().size() == 1);
}

TEST_CASE("monitor: a listener that does not renew its wish hears nothing") {
  const Programs programs = configured();
  Listener listener(programs);
  listener.listen(std::chrono::seconds(-1));
  programs.run("pell_lxc_in", frame({}));
  programs.run("pell_lxc_in", frame({.dst = "10.0.2.1"}));
  CHECK(listener.heard().empty());
  CHECK(listener.lost() == 0);
}

TEST_CASE("monitor: a pod's packet that is marked, with its key") {
  const auto event = told(configured(), "pell_lxc_in", {.protocol = kTcp});
  CHECK(event.kind == EVENT_MARKED);
  CHECK(event.key_id == 3);
  CHECK(event.family == 2);
  CHECK(event.ethertype == 0x0800);
  CHECK(event.protocol == kTcp);
  CHECK(event.source_port == kPayloadPorts.source);
  CHECK(event.destination_port == kPayloadPorts.destination);
  CHECK(event.spi == 0);
  CHECK(event.ifindex == kLoopback);
}

TEST_CASE("monitor: a packet that cilium_host marks") {
  const auto event = told(configured(), "pell_host_out", {.protocol = kIcmp}, 0x4000);
  CHECK(event.kind == EVENT_MARKED);
  CHECK(event.key_id == 3);
  CHECK(event.protocol == kIcmp);
  CHECK(event.source_port == 0);
  CHECK(event.destination_port == 0);
}

TEST_CASE("monitor: our ESP on its way to a peer") {
  const Net net;
  const Programs programs = configured(net.config());
  programs.attach("pell_net_in", "cilium_net", true);
  ip("route add 10.0.0.0/24 via 172.18.0.4 dev eth0");
  ip("neighbour add 172.18.0.4 lladdr 02:00:00:00:00:04 dev eth0");
  Listener listener(programs);
  listener.listen();
  const Tap cilium_host("cilium_host"), wire("wire");
  cilium_host.send(frame(kEspOut), 0x5e00);
  REQUIRE(wire.receive());
  const auto events = listener.heard();
  REQUIRE(events.size() == 1);
  CHECK(events[0].kind == EVENT_ENCRYPTED);
  CHECK(events[0].key_id == (kPayloadSpi & 15));  // of the SPI, not of the mark
  CHECK(events[0].spi == kPayloadSpi);
  CHECK(events[0].protocol == kEsp);
  CHECK(is(events[0].source, "10.0.1.138"));
  CHECK(is(events[0].destination, "10.0.0.40"));
  CHECK(events[0].ifindex == ifindex("cilium_net"));
  CHECK(events[0].length == frame(kEspOut).size());
}

TEST_CASE("monitor: our ESP that has no way to its peer is told of as dropped alone") {
  const Programs programs = configured();
  Listener listener(programs);
  listener.listen();
  programs.run("pell_net_in", frame(kEspOut), 0xe00);
  const auto events = listener.heard();
  REQUIRE(events.size() == 1);
  CHECK(events[0].kind == EVENT_DROPPED);
  CHECK(events[0].reason == DROP_NO_ROUTE);
  CHECK(events[0].key_id == 0);
}

TEST_CASE("monitor: ESP for this node, and what comes out of it") {
  const auto received = told(configured(), "pell_uplink_in", kEspIn);
  CHECK(received.kind == EVENT_RECEIVED);
  CHECK(received.spi == kPayloadSpi);
  Packet later = kEspIn;
  later.fragment = 0x00b9;
  CHECK(told(configured(), "pell_uplink_in", later).spi == 0);

  const Packet inner{.src = "10.0.0.249", .dst = "10.0.1.52", .protocol = kSctp};
  const auto decrypted = told(configured(), "pell_uplink_in", inner, 0xd00);
  CHECK(decrypted.kind == EVENT_DECRYPTED);
  CHECK(decrypted.source_port == kPayloadPorts.source);
  CHECK(told(configured(), "pell_uplink_in", {.src = "fd00:10::f9", .dst = "fd00:10:1::34"}, 0xd00)
            .kind == EVENT_DECRYPTED);
}

TEST_CASE("monitor: what is delivered names the pod's device") {
  Programs programs = configured();
  programs.set_endpoint("10.0.1.52", {.ifindex = 77});
  programs.set_endpoint("fd00:10:1::34", {.ifindex = 78});
  const auto event = told(programs, "pell_host_out", {.src = "10.0.0.249", .dst = "10.0.1.52"});
  CHECK(event.kind == EVENT_DELIVERED);
  CHECK(event.ifindex == 77);
  CHECK(told(programs, "pell_host_out", {.src = "fd00:10::f9", .dst = "fd00:10:1::34"}).ifindex ==
        78);
}

TEST_CASE("monitor: every drop with its reason, also of what cannot be read") {
  const auto no_key = told(configured(), "pell_lxc_in", {.dst = "10.0.2.1"});
  CHECK(no_key.kind == EVENT_DROPPED);
  CHECK(no_key.reason == DROP_NO_KEY);
  CHECK(no_key.key_id == 0);
  CHECK(no_key.ifindex == kLoopback);
  const auto unencrypted = told(configured(), "pell_host_out", {}, 0x3e00);
  CHECK(unencrypted.reason == DROP_UNENCRYPTED);
  CHECK(unencrypted.key_id == 0);
  const auto audited = told(configured(), "pell_uplink_out", {.protocol = kTcp});
  CHECK(audited.reason == DROP_UNENCRYPTED);
  CHECK(audited.source_port == kPayloadPorts.source);
  CHECK(told(configured(), "pell_host_out", {.dst = "10.0.2.1"}).reason == DROP_NO_KEY);
  CHECK(told(configured(), "pell_net_in", {.to = {2, 0, 0, 0, 0, 1}}).reason == DROP_NO_KEY);
  CHECK(told(configured(), "pell_net_in", {.dst = "10.0.1.77"}).reason == DROP_NO_ENDPOINT);
  CHECK(told(configured(), "pell_uplink_out", {.dst = "10.0.1.77"}).reason == DROP_NO_ROUTE);
  CHECK(told(Programs(), "pell_lxc_in", {}).reason == DROP_NO_CONFIG);
  const auto malformed = told(configured(), "pell_lxc_in", {.ihl = 4});
  CHECK(malformed.reason == DROP_MALFORMED);
  CHECK(malformed.family == 0);
  CHECK(malformed.ethertype == 0x0800);
  CHECK(is(malformed.source, "0.0.0.0"));
  const auto tagged = told(configured(), "pell_lxc_in", {.ethertype = 0x88a8});
  CHECK(tagged.reason == DROP_TAGGED);
  CHECK(tagged.ethertype == 0x88a8);
  const Packet many{
      .src = "fd00:10:1::34",
      .dst = "fd00:10::f9",
      .headers = {kHopByHop, kHopByHop, kHopByHop, kHopByHop, kHopByHop, kHopByHop, kHopByHop}};
  const auto unreadable = told(configured(), "pell_lxc_in", many);
  CHECK(unreadable.family == 10);
  CHECK(unreadable.protocol == 256);
}

TEST_CASE("monitor: ports where there are such, and where they are") {
  CHECK(ports_of({.protocol = kTcp}) == kPayloadPorts);
  CHECK(ports_of({.protocol = 17}) == kPayloadPorts);
  CHECK(ports_of({.protocol = kSctp, .ihl = 15}) == kPayloadPorts);
  CHECK(ports_of({.protocol = kIcmp}) == Ports{});
  CHECK(ports_of({.fragment = 0x2000}) == kPayloadPorts);
  CHECK(ports_of({.fragment = 0x00b9}) == Ports{});
  CHECK(ports_of({.payload = 2}) == Ports{});  // cut short
  const Packet ipv6{.src = "fd00:10:1::34", .dst = "fd00:10::f9"};
  CHECK(ports_of(ipv6) == kPayloadPorts);
  const auto with = [&](std::vector<Header> headers) {
    Packet packet = ipv6;
    packet.headers = std::move(headers);
    return packet;
  };
  CHECK(ports_of(with({kHopByHop, kFirstFragment})) == kPayloadPorts);
  CHECK(ports_of(with({kLaterFragment})) == Ports{});
}

TEST_CASE(
    "monitor: the kinds that are not wanted, and what the sample leaves out, are not written") {
  const Programs programs = configured();
  Listener listener(programs);
  listener.listen(std::chrono::hours(1), 1u << EVENT_DROPPED);
  programs.run("pell_lxc_in", frame({}));
  programs.run("pell_lxc_in", frame({.dst = "10.0.2.1"}));
  const auto events = listener.heard();
  REQUIRE(events.size() == 1);
  CHECK(events[0].kind == EVENT_DROPPED);

  listener.listen(std::chrono::hours(1), kEveryKind, 0xffff'ffff);
  for (int i = 0; i < 100; ++i) programs.run("pell_lxc_in", frame({}));
  CHECK(listener.heard().size() < 2);  // fails by chance once in 10^12 runs
  listener.listen(std::chrono::hours(1), kEveryKind, 2);
  for (int i = 0; i < 200; ++i) programs.run("pell_lxc_in", frame({}));
  const size_t half = listener.heard().size();
  CHECK(half > 40);  // fails by chance about as rarely, as does the bound of 160
  CHECK(half < 160);
  CHECK(listener.lost() == 0);
}

TEST_CASE("monitor: what the ring has no room for is counted, and what is in it stays whole") {
  const Programs programs = configured();
  Listener listener(programs);
  listener.listen();
  constexpr size_t kRoom = EVENT_BYTES / (sizeof(event) + 8);  // 8: a record's header in the ring
  for (size_t i = 0; i < kRoom + 50; ++i) programs.run("pell_lxc_in", frame({}));
  const auto events = listener.heard();
  CHECK(listener.lost() + events.size() == kRoom + 50);
  CHECK(listener.lost() >= 50);
  CHECK(events.size() + 2 > kRoom);
  bool whole = true;
  for (const auto& event : events) whole = whole && event.kind == EVENT_MARKED && event.key_id == 3;
  CHECK(whole);
  programs.run("pell_lxc_in", frame({}));
  CHECK(listener.heard().size() == 1);
}

}  // namespace this_file
