// pell_net_in: sends ESP to the peer, passes marked packets to the stack, drops clear text.
#include "tests/bpf/net.h"
#include "tests/bpf/programs.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::datapath;

namespace {

constexpr const char* kProgram = "pell_net_in";
constexpr MacBytes kOther = {2, 0, 0, 0, 0, 1};  // as cilium_host addresses the frames it sends
const Packet kEspOut{.src = "10.0.1.138", .dst = "10.0.0.40", .protocol = kEsp};

void passes(const Programs& programs, const Bytes& bytes, uint32_t mark) {
  CHECK(programs.run(kProgram, bytes, mark) == Outcome{TC_ACT_OK, mark, bytes});
  CHECK(programs.drops().empty());
}

void is_dropped(const Programs& programs, const Bytes& bytes, uint32_t mark, drop_reason reason) {
  CHECK(programs.run(kProgram, bytes, mark).verdict == TC_ACT_SHOT);
  CHECK(programs.drops() == Drops{{reason, {1, bytes.size()}}});
}

// An ESP packet that arrives through cilium_net.
Outcome esp(const Programs& programs, const Packet& packet = kEspOut) {
  return programs.run(kProgram, frame(packet), 0x3e00, ifindex("cilium_net"));
}

}  // namespace

TEST_CASE("net in: ESP is sent on with mark 0, its neighbour known or not") {
  const Net net;
  const Programs programs = configured(net.config());
  ip("route add 10.0.0.0/24 via 172.18.0.4 dev eth0");
  const Outcome sent{TC_ACT_REDIRECT, 0, frame(kEspOut)};
  CHECK(esp(programs) == sent);
  ip("neighbour add 172.18.0.4 lladdr 02:00:00:00:00:04 dev eth0");
  CHECK(esp(programs) == sent);
  Packet fragment = kEspOut;
  fragment.fragment = 0x00b9;
  CHECK(esp(programs, fragment).verdict == TC_ACT_REDIRECT);
  CHECK(programs.drops().empty());
}

TEST_CASE("net in: ESP is not routed by its mark") {
  const Net net;
  const Programs programs = configured(net.config());
  ip("route add 10.0.0.0/24 via 172.18.0.4 dev eth0");
  ip("rule add pref 1 fwmark 0xe00/0xf00 lookup 200");
  ip("route add prohibit 10.0.0.0/24 table 200");
  CHECK(esp(programs).verdict == TC_ACT_REDIRECT);
}

TEST_CASE("net in: ESP is routed by its type of service") {
  const Net net;
  const Programs programs = configured(net.config());
  ip("route add 10.0.0.0/24 via 172.18.0.4 dev eth0");
  ip("rule add pref 1 tos 0x10 lookup 200");
  ip("route add prohibit 10.0.0.0/24 table 200");
  Packet packet = kEspOut;
  CHECK(esp(programs, packet).verdict == TC_ACT_REDIRECT);
  packet.tos = 0x10;
  CHECK(esp(programs, packet).verdict == TC_ACT_SHOT);
}

TEST_CASE("net in: ESP without a way to the peer is dropped") {
  const Net net;
  const Programs programs = configured(net.config());
  uint64_t expected = 0;
  const auto has_no_way = [&] {
    CHECK(esp(programs).verdict == TC_ACT_SHOT);
    ++expected;
    CHECK(programs.drops() == Drops{{DROP_NO_ROUTE, {expected, expected * frame(kEspOut).size()}}});
  };
  has_no_way();  // no route at all
  ip("route replace unreachable 10.0.0.0/24");
  has_no_way();
  ip("route replace 10.0.0.0/24 dev cilium_host");  // back to the device that it came from
  has_no_way();
  ip("route replace 10.0.0.0/24 dev cilium_net");
  has_no_way();
  ip("route replace 10.0.0.0/24 via 172.18.0.4 dev eth0");
  set_sysctl("net/ipv4/conf/cilium_net/forwarding", "0");
  has_no_way();
  set_sysctl("net/ipv4/conf/cilium_net/forwarding", "1");
  CHECK(esp(programs).verdict == TC_ACT_REDIRECT);
  ip("address add 10.0.0.40/32 dev lo");  // the peer's address is local
  has_no_way();
}

TEST_CASE("net in: larger ESP than the way takes is dropped") {
  const Net net;
  const Programs programs = configured(net.config());
  ip("route add 10.0.0.0/24 via 172.18.0.4 dev eth0");
  ip("neighbour add 172.18.0.4 lladdr 02:00:00:00:00:04 dev eth0");
  ip("link set eth0 mtu 1400");
  Packet packet = kEspOut;
  packet.payload = 1500;
  CHECK(esp(programs, packet).verdict == TC_ACT_SHOT);
  CHECK(programs.drops() == Drops{{DROP_NO_ROUTE, {1, frame(packet).size()}}});
}

TEST_CASE("net in: what cilium_host marked passes with its mark") {
  const Programs programs = configured();
  passes(programs, frame({}), 0x3e00);
  passes(programs, frame({.src = "10.0.1.52", .protocol = kEsp}), 0x3e00);
  passes(programs, frame({.src = "10.0.1.138"}), 0x3e00);
  passes(programs, frame({.dst = "10.0.1.77"}), 0x3e00);
  passes(programs, frame({.to = kOther}), 0x3e00);
  passes(programs, without_options(kEspOut), 0x3e00);
}

TEST_CASE("net in: an address of this node that no pod has is dropped") {
  const Programs programs = configured();
  const Bytes bytes = frame({.src = "10.0.0.249", .dst = "10.0.1.77"});
  const uint32_t mark = GENERATE(0u, 0x4000u);
  is_dropped(programs, bytes, mark, DROP_NO_ENDPOINT);
}

TEST_CASE("net in: of an address of this node that no pod has, the drop names that") {
  is_dropped(configured(), frame({.dst = "10.0.1.77", .to = kOther}), 0, DROP_NO_ENDPOINT);
}

TEST_CASE("net in: clear text that a route led here is dropped, the map knows no peer for it") {
  const std::string dst = GENERATE("10.77.0.1", "10.0.0.249", "1.1.1.1");
  const uint32_t mark = GENERATE(0u, 0x4000u, 0x200u, 0xd00u);
  is_dropped(configured(), frame({.dst = dst, .to = kOther}), mark, DROP_NO_KEY);
  is_dropped(configured(), frame({.src = "172.18.0.3", .dst = dst, .to = kOther}), mark,
             DROP_NO_KEY);
}

TEST_CASE("net in: the rest passes") {
  const Programs programs = configured();
  passes(programs, frame({.dst = "10.0.0.249"}), 0);
  passes(programs, frame(kEspOut), 0);  // without the mark, ESP is not Pellicle's
  passes(programs, frame({.dst = "10.0.1.77", .ethertype = 0x0806}), 0);
  passes(programs, frame({.dst = "10.0.1.77", .ethertype = 0x86dd}), 0);
  passes(programs, frame({.dst = "10.0.1.77", .ihl = 4}), 0);
  passes(programs, frame({.ihl = 4, .to = kOther}), 0);
  passes(programs, frame({.to = kOther, .ethertype = 0x0806}), 0);
}

TEST_CASE("net in: broadcast and multicast pass, the kernel forwards none") {
  const Programs programs = configured();
  passes(programs, frame({.dst = "10.77.0.1", .to = {255, 255, 255, 255, 255, 255}}), 0);
  passes(programs, frame({.dst = "224.0.0.251", .to = {1, 0, 0x5e, 0, 0, 0xfb}}), 0);
}

TEST_CASE("net in: without configuration marked packets are dropped, others pass") {
  const Programs programs;
  passes(programs, frame({.dst = "10.0.1.77"}), 0);
  passes(programs, frame({.to = kOther}), 0);
  CHECK(programs.run(kProgram, frame({}), 0x3e00).verdict == TC_ACT_SHOT);
  CHECK(programs.run(kProgram, frame(kEspOut), 0x3e00).verdict == TC_ACT_SHOT);
  CHECK(programs.drops() == Drops{{DROP_NO_CONFIG, {2, 2 * frame({}).size()}}});
}

}  // namespace this_file
