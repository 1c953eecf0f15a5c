// pell_uplink_out, the guard: no clear text from a local pod to a peer's pod.
#include "tests/bpf/programs.h"
#include "tests/harness/catch.h"

using namespace pellicle;
using namespace pellicle::datapath;

namespace {

constexpr const char* kProgram = "pell_uplink_out";
constexpr uint32_t kKubeProxy = 0x4000;  // somebody else's mark

void passes(const Programs& programs, const Packet& packet) {
  const Bytes bytes = frame(packet);
  CHECK(programs.run(kProgram, bytes, kKubeProxy) == Outcome{TC_ACT_UNSPEC, kKubeProxy, bytes});
  CHECK(programs.drops().empty());
}

void goes_round(const Programs& programs, const Packet& packet, uint32_t mark) {
  const Bytes bytes = frame(packet);
  CHECK(programs.run(kProgram, bytes, kKubeProxy) == Outcome{TC_ACT_REDIRECT, mark, bytes});
  CHECK(programs.drops().empty());
}

void is_dropped(const Programs& programs, const Packet& packet, drop_reason reason) {
  const Bytes bytes = frame(packet);
  CHECK(programs.run(kProgram, bytes, kKubeProxy).verdict == TC_ACT_SHOT);
  CHECK(programs.drops() == Drops{{reason, {1, bytes.size()}}});
}

}  // namespace

TEST_CASE("uplink out: clear text to a peer's pod goes round to be encrypted") {
  const Programs programs = configured();
  goes_round(programs, {}, 0x3e00);
  goes_round(programs, {.src = "10.0.1.138"}, 0x3e00);  // the router's own answers
  goes_round(programs, {.dst = "10.0.0.40"}, 0x3e00);   // to the peer's router
  goes_round(programs, {.fragment = 0x00b9}, 0x3e00);
  goes_round(programs, {.payload = 3000}, 0x3e00);
  goes_round(programs, {.ihl = 15}, 0x3e00);
}

TEST_CASE("uplink out: our own ESP leaves, a pod's does not") {
  const Programs programs = configured();
  passes(programs, {.src = "10.0.1.138", .dst = "10.0.0.40", .protocol = kEsp});
  passes(programs, {.src = "10.0.1.138", .dst = "10.0.2.52", .protocol = kEsp});  // fragments too
  passes(programs, {.src = "10.0.1.138", .protocol = kEsp, .fragment = 0x00b9});
  goes_round(programs, {.src = "10.0.1.52", .dst = "10.0.0.40", .protocol = kEsp}, 0x3e00);
}

TEST_CASE(
    "uplink out: what went round and is still in the clear is dropped, not sent round again") {
  const Programs programs = configured();
  const Bytes bytes = frame({});
  CHECK(programs.run(kProgram, bytes, 0x3e00).verdict == TC_ACT_SHOT);
  CHECK(programs.drops() == Drops{{DROP_UNENCRYPTED, {1, bytes.size()}}});
}

TEST_CASE("uplink out: without a key it is dropped") {
  is_dropped(configured(), {.dst = "10.0.2.1"}, DROP_NO_KEY);
  is_dropped(configured(), {.dst = "10.77.0.1"}, DROP_NO_KEY);  // strict CIDR
}

TEST_CASE("uplink out: what is for a pod of this node does not leave it") {
  is_dropped(configured(), {.src = "10.0.0.249", .dst = "10.0.1.52"}, DROP_NO_ROUTE);
  is_dropped(configured(), {.src = "10.0.1.52", .dst = "10.0.1.103"}, DROP_NO_ROUTE);
  is_dropped(configured(), {.src = "172.18.0.3", .dst = "10.0.1.103"}, DROP_NO_ROUTE);
  is_dropped(configured(), {.src = "10.0.0.40", .dst = "10.0.1.138", .protocol = kEsp},
             DROP_NO_ROUTE);
}

TEST_CASE("uplink out: without a device to go round through it is dropped") {
  is_dropped(configured(worker(11, 0, 13)), {}, DROP_NO_CONFIG);
}

TEST_CASE("uplink out: what may be for a peer whose entry was refused is dropped") {
  auto config = worker();
  config.v4.held_pods = {.prefix = address("10.200.0.0"),
                         .mask = mask("10.200.0.0", 16),
                         .as = {.key_id = KEY_NO_NODE, .node = 0}};
  config.v6.held_pods = {.prefix = address("fd00:20::"),
                         .mask = mask("fd00:20::", 32),
                         .as = {.key_id = KEY_NO_NODE, .node = 0}};
  const auto with_entries = [&](uint32_t host_encryption) {
    config.host_encryption = host_encryption;
    Programs programs;
    programs.configure(config);
    programs.set_peer("10.200.7.0", 24, 3);
    return programs;
  };
  for (const uint32_t host_encryption : {0, 1}) {
    is_dropped(with_entries(host_encryption), {.dst = "10.200.8.1"}, DROP_NO_KEY);
    is_dropped(with_entries(host_encryption), {.src = "fd00:10:1::34", .dst = "fd00:20::1"},
               DROP_NO_KEY);
    goes_round(with_entries(host_encryption), {.dst = "10.200.7.1"}, 0x3e00);
    passes(with_entries(host_encryption), {.dst = "10.201.0.1"});
    passes(with_entries(host_encryption), {.src = "172.18.0.3", .dst = "10.200.8.1"});
  }
}

TEST_CASE("uplink out: other traffic is left alone") {
  const Programs programs = configured();
  passes(programs, {.dst = "1.1.1.1"});
  passes(programs, {.dst = "172.18.0.4"});
  passes(programs, {.src = "172.18.0.3"});                      // the node's own
  passes(programs, {.src = "172.18.0.3", .dst = "10.77.0.1"});  // strict is for pods
  passes(programs, {.src = "10.0.0.249", .dst = "10.0.2.1"});   // not from here
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
