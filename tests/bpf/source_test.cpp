// pell_lxc_in: a pod may only send from its own addresses.
#include "tests/bpf/programs.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::datapath;

namespace {

constexpr uint32_t kDevice = 1;  // of the pod 10.0.1.52, fd00:10:1::34, fe80::34
constexpr uint8_t kRouterAdvertisement = 134, kSolicitation = 135, kAdvertisement = 136,
                  kRedirect = 137, kListenerReport = 131, kListenerReport2 = 143, kEcho = 128;

Programs with_pods() {
  Programs programs = configured();
  programs.set_source(kDevice, "fe80::34", 128);
  for (const char* other : {"10.0.1.103", "fd00:10:1::67"})
    programs.set_endpoint(other, {.ifindex = kDevice + 1});
  programs.set_source(kDevice + 1, "fe80::67", 128);
  return programs;
}

bool gets_through(const Programs& programs, const Bytes& bytes) {
  const auto before = programs.drops();
  const auto outcome = programs.run("pell_lxc_in", bytes, 0xe00);
  if (outcome.verdict == TC_ACT_OK) {
    CHECK(outcome.frame == bytes);
    CHECK(programs.drops() == before);
    return true;
  }
  auto expected = before;
  expected[DROP_FORGED].packets += 1;
  expected[DROP_FORGED].bytes += bytes.size();
  CHECK(outcome.verdict == TC_ACT_SHOT);
  CHECK(programs.drops() == expected);
  return false;
}

bool passes(const Programs& programs, const Packet& packet) {
  return gets_through(programs, frame(packet));
}

}  // namespace

TEST_CASE("source: a pod's own addresses pass, any other is dropped and counted") {
  const Programs programs = with_pods();
  CHECK(passes(programs, {.src = "10.0.1.52"}));
  CHECK(passes(programs, {.src = "fd00:10:1::34", .dst = "fd00:10::f9"}));
  // Addresses of another local pod, a peer's pod, this node, another node, cilium_host and the
  // world; unspecified (DHCP), loopback and multicast.
  const std::string forged = GENERATE("10.0.1.103", "10.0.0.249", "172.18.0.3", "172.18.0.4",
                                      "10.0.1.138", "1.1.1.1", "0.0.0.0", "127.0.0.1", "224.0.0.1");
  for (const char* to : {"10.0.1.103", "10.0.0.249", "172.18.0.3", "1.1.1.1", "10.0.1.138"}) {
    for (const uint8_t protocol : {uint8_t{17}, uint8_t{1}, kEsp, uint8_t{51}}) {
      CAPTURE(forged, to, protocol);
      CHECK_FALSE(passes(programs, {.src = forged, .dst = to, .protocol = protocol}));
    }
  }
}

TEST_CASE("source: the same for IPv6") {
  const Programs programs = with_pods();
  const std::string forged = GENERATE("fd00:10:1::67", "fd00:10::f9", "fd00:172::3", "::1",
                                      "::", "fd00:10:1::8a", "2001:db8::1", "fe80::67", "fe80::1");
  for (const char* to : {"fd00:10:1::67", "fd00:10::f9", "fd00:172::3", "2001:db8::1"}) {
    for (const uint8_t protocol : {uint8_t{17}, kIcmpv6, kEsp}) {
      CAPTURE(forged, to, protocol);
      CHECK_FALSE(passes(programs, {.src = forged,
                                    .dst = to,
                                    .protocol = protocol,
                                    .begins = {kEcho},
                                    .headers = {{.type = 60}}}));
    }
  }
}

TEST_CASE("source: what nothing forwards is asked as well") {
  const Programs programs = with_pods();
  const MacBytes to = GENERATE(MacBytes{255, 255, 255, 255, 255, 255},
                               MacBytes{1, 0, 0x5e, 0, 0, 1}, MacBytes{2, 0, 0, 0, 0, 1});
  CHECK(passes(programs, {.dst = "255.255.255.255", .to = to}));
  CHECK_FALSE(passes(programs, {.src = "10.0.1.103", .dst = "255.255.255.255", .to = to}));
}

TEST_CASE("source: ARP is answered and asked for the pod's own address alone") {
  const Programs programs = with_pods();
  CHECK(gets_through(programs, arp(1, "10.0.1.52", "10.0.1.138")));
  CHECK(gets_through(programs, arp(2, "10.0.1.52", "10.0.1.138")));
  CHECK(gets_through(programs, arp(1, "0.0.0.0", "10.0.1.52")));  // duplicate address detection
  CHECK_FALSE(gets_through(programs, arp(2, "0.0.0.0", "10.0.1.52")));
  const std::string other = GENERATE("10.0.1.103", "10.0.1.138", "172.18.0.3", "255.255.255.255");
  for (const uint16_t operation : {uint16_t{1}, uint16_t{2}}) {
    CHECK_FALSE(gets_through(programs, arp(operation, other, "10.0.1.52")));
    CHECK_FALSE(gets_through(programs, arp(operation, other, other)));
  }
}

TEST_CASE("source: ARP of another shape, or cut short, is dropped") {
  const Programs programs = with_pods();
  const Bytes whole = arp(1, "10.0.1.52", "10.0.1.138");
  for (const size_t size : {14, 20, 41}) CHECK_FALSE(gets_through(programs, cut(whole, size)));
  for (const size_t at : {16, 18, 19}) {  // protocol type, and both address lengths
    Bytes other = whole;
    ++other[at];
    CHECK_FALSE(gets_through(programs, other));
  }
}

TEST_CASE("source: a pod asks and answers for its own IPv6 addresses alone") {
  const Programs programs = with_pods();
  const auto says = [&](uint8_t type, const std::string& source, const std::string& target) {
    return passes(programs, neighbour_message(type, source, target));
  };
  for (const char* own : {"fe80::34", "fd00:10:1::34"}) {
    CHECK(says(kSolicitation, own, "fd00:10:1::8a"));
    CHECK(says(kAdvertisement, own, own));
    CHECK(says(kAdvertisement, own, "fe80::34"));
    for (const char* other : {"fd00:10:1::67", "fd00:10:1::8a", "fe80::67", "fe80::1"}) {
      CHECK_FALSE(says(kAdvertisement, own, other));
      CHECK_FALSE(says(kAdvertisement, other, own));
      CHECK_FALSE(says(kSolicitation, other, own));
    }
    CHECK_FALSE(says(kRouterAdvertisement, own, own));
    CHECK_FALSE(says(kRedirect, own, own));
  }
}

TEST_CASE("source: without an address a pod may ask whether one is taken, and join groups") {
  const Programs programs = with_pods();
  for (const uint8_t type : {kSolicitation, kListenerReport, kListenerReport2}) {
    auto packet = neighbour_message(type, "::", "fd00:10:1::34");
    CHECK(passes(programs, packet));
    packet.headers = {{.type = 0}};  // router alert, as in listener reports
    CHECK(passes(programs, packet));
    packet.dst = "fd00:10:1::67";
    CHECK_FALSE(passes(programs, packet));
  }
  CHECK_FALSE(passes(programs, neighbour_message(kAdvertisement, "::", "fd00:10:1::34")));
  CHECK_FALSE(passes(programs, neighbour_message(kEcho, "::", "fd00:10:1::34")));
}

TEST_CASE("source: a message that is cut short is dropped") {
  const Programs programs = with_pods();
  const Bytes whole = frame(neighbour_message(kAdvertisement, "fe80::34", "fe80::34"));
  for (const size_t size : {54, 55, 62, 77}) CHECK_FALSE(gets_through(programs, cut(whole, size)));
  CHECK(gets_through(programs, whole));
}

TEST_CASE("source: what a pod is allowed beside its own addresses") {
  Programs programs = with_pods();
  programs.set_source(kDevice, "10.9.0.0", 16);
  programs.set_source(kDevice, "fd09::", 32);
  CHECK(passes(programs, {.src = "10.9.255.1"}));
  CHECK(passes(programs, {.src = "fd09::1", .dst = "fd00:10::f9"}));
  CHECK(gets_through(programs, arp(2, "10.9.0.7", "10.0.1.138")));
  CHECK(passes(programs, neighbour_message(kAdvertisement, "fe80::34", "fd09::1")));
  CHECK_FALSE(passes(programs, {.src = "10.10.0.1"}));
  CHECK_FALSE(passes(programs, {.src = "fd09:1::1", .dst = "fd00:10::f9"}));
  CHECK(programs.run("pell_lxc_in", frame({.src = "10.9.0.1"}), 0, kDevice).mark == 0x3e00);

  // The allowance applies to this device only. An IPv4 network does not match an IPv6 address that
  // begins with the same bytes.
  const auto of_other = programs.try_run("pell_lxc_in", frame({.src = "10.9.0.1"}), 0, 0);
  CHECK((!of_other || of_other->verdict == TC_ACT_SHOT));
  CHECK_FALSE(passes(programs, {.src = "a09::1", .dst = "fd00:10::f9"}));
}

}  // namespace this_file
