// pell_uplink_out, the auditor: drops clear text from a local pod to a peer's pod.
#include "tests/bpf/programs.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::datapath;

namespace {

constexpr const char* kProgram = "pell_uplink_out";
constexpr uint32_t kKubeProxy = 0x4000;  // a mark of another program

void passes(const Programs& programs, const Packet& packet, uint32_t mark = kKubeProxy) {
  const Bytes bytes = frame(packet);
  CHECK(programs.run(kProgram, bytes, mark) == Outcome{TC_ACT_UNSPEC, mark, bytes});
  CHECK(programs.drops().empty());
}

void is_dropped(const Packet& packet, drop_reason reason, uint32_t mark = kKubeProxy) {
  const Programs programs = configured();
  const Bytes bytes = frame(packet);
  CHECK(programs.run(kProgram, bytes, mark).verdict == TC_ACT_SHOT);
  CHECK(programs.drops() == Drops{{reason, {1, bytes.size()}}});
}

}  // namespace

TEST_CASE("uplink out: clear text to a peer's pod is dropped") {
  is_dropped({}, DROP_UNENCRYPTED);
  is_dropped({.src = "10.0.1.138"}, DROP_UNENCRYPTED);  // answers of the router itself
  is_dropped({.dst = "10.0.0.40"}, DROP_UNENCRYPTED);   // to the peer's router
  is_dropped({.fragment = 0x00b9}, DROP_UNENCRYPTED);
  is_dropped({.payload = 3000}, DROP_UNENCRYPTED);
  is_dropped({.ihl = 15}, DROP_UNENCRYPTED);
}

TEST_CASE("uplink out: no mark lets clear text out") {
  const uint32_t mark = GENERATE(0u, 0x100u, 0x200u, 0xd00u, 0x3e00u, 0xffff'ffffu);
  is_dropped({}, DROP_UNENCRYPTED, mark);
}

TEST_CASE("uplink out: our own ESP leaves, a pod's does not") {
  const Programs programs = configured();
  passes(programs, {.src = "10.0.1.138", .dst = "10.0.0.40", .protocol = kEsp});
  passes(programs, {.src = "10.0.1.138", .dst = "10.0.0.40", .protocol = kEsp}, 0);
  passes(programs, {.src = "10.0.1.138", .dst = "10.0.2.52", .protocol = kEsp});
  passes(programs, {.src = "10.0.1.138", .protocol = kEsp, .fragment = 0x00b9});
  is_dropped({.src = "10.0.1.52", .dst = "10.0.0.40", .protocol = kEsp}, DROP_UNENCRYPTED);
}

TEST_CASE("uplink out: clear text to a peer without a key is dropped as such") {
  is_dropped({.dst = "10.0.2.1"}, DROP_NO_KEY);
  is_dropped({.dst = "10.0.2.1"}, DROP_NO_KEY, 0x3e00);
}

TEST_CASE("uplink out: what is for a pod of this node does not leave it") {
  is_dropped({.src = "10.0.0.249", .dst = "10.0.1.52"}, DROP_NO_ROUTE);
  is_dropped({.src = "10.0.1.52", .dst = "10.0.1.103"}, DROP_NO_ROUTE);
  is_dropped({.src = "172.18.0.3", .dst = "10.0.1.103"}, DROP_NO_ROUTE);
  is_dropped({.src = "10.0.0.40", .dst = "10.0.1.138", .protocol = kEsp}, DROP_NO_ROUTE);
  is_dropped({.src = "10.0.1.138", .dst = "10.0.1.52", .protocol = kEsp}, DROP_NO_ROUTE);
}

TEST_CASE("uplink out: it takes the devices for no part of its decision") {
  const Programs programs = configured(worker(0, 0, 0));
  CHECK(programs.run(kProgram, frame({})).verdict == TC_ACT_SHOT);
  CHECK(programs.drops() == Drops{{DROP_UNENCRYPTED, {1, frame({}).size()}}});
}

TEST_CASE("uplink out: other traffic is left alone") {
  const Programs programs = configured();
  passes(programs, {.dst = "1.1.1.1"});
  passes(programs, {.dst = "172.18.0.4"});
  passes(programs, {.dst = "10.77.0.1"});   // to no peer
  passes(programs, {.src = "172.18.0.3"});  // from the node itself
  passes(programs, {.src = "172.18.0.3", .dst = "10.0.2.1"});
  passes(programs, {.src = "10.0.0.249", .dst = "10.0.2.1"});  // not from this node
  passes(programs, {.ethertype = 0x86dd});
  passes(programs, {.ethertype = 0x0806});
}

TEST_CASE("uplink out: what is malformed passes, no receiver takes it") {
  const Programs programs = configured();
  passes(programs, {.ihl = 4});
  passes(programs, {.version = 7});
  const Bytes shortened = without_options({});
  CHECK(programs.run(kProgram, shortened) == Outcome{TC_ACT_UNSPEC, 0, shortened});
}

TEST_CASE("uplink out: without configuration everything passes") {
  Programs programs;
  programs.set_peer("10.0.0.0", 24, 3);
  passes(programs, {});
  passes(programs, {.src = "0.0.0.0"});
}

}  // namespace this_file
