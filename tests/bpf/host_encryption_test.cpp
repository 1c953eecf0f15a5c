// With host encryption: what is between pods and other nodes' own addresses, whatever NAT made of
// it.
#include "tests/bpf/programs.h"
#include "tests/harness/catch.h"

using namespace pellicle;
using namespace pellicle::datapath;

namespace {

constexpr uint32_t kPod = 0x100;
constexpr uint32_t kLocal = 0x200;  // came out of ESP, or answers what did
constexpr uint32_t kMasquerade = 0x4000;

// configured(), and worker2's own addresses with its key.
Programs with_nodes(uint32_t host_encryption = 1) {
  auto config = worker();
  config.host_encryption = host_encryption;
  Programs programs = configured(config);
  if (host_encryption != 0) {
    programs.set_peer("172.18.0.4", 32, 3, true);
    programs.set_peer("fd00:172::4", 128, 3, true);
  }
  return programs;
}

void guard_passes(const Programs& programs, const Packet& packet, uint32_t mark) {
  const Bytes bytes = frame(packet);
  CHECK(programs.run("pell_uplink_out", bytes, mark) == Outcome{TC_ACT_UNSPEC, mark, bytes});
  CHECK(programs.drops().empty());
}

void guard_encrypts(const Programs& programs, const Packet& packet, uint32_t mark) {
  const Bytes bytes = frame(packet);
  CHECK(programs.run("pell_uplink_out", bytes, mark) == Outcome{TC_ACT_REDIRECT, 0x3e00, bytes});
  CHECK(programs.drops().empty());
}

const Packet kNodeToNode{.src = "172.18.0.3", .dst = "172.18.0.4"};
const Packet kNodeToNode6{.src = "fd00:172::3", .dst = "fd00:172::4"};
const Packet kNodeToPod{.src = "172.18.0.3", .dst = "10.0.0.249"};
const Packet kPodToNode{.src = "10.0.1.52", .dst = "172.18.0.4"};

}  // namespace

TEST_CASE("host encryption: a pod's packet to a node is left to NAT, with the mark of a pod's") {
  const auto sent = [](const Programs& programs, const Packet& packet) {
    return programs.run("pell_lxc_in", frame(packet), 0xdead'be00).mark;
  };
  CHECK(sent(with_nodes(), kPodToNode) == kPod);
  CHECK(sent(with_nodes(), {.src = "fd00:10:1::34", .dst = "fd00:172::4"}) == kPod);
  CHECK(sent(with_nodes(), {.dst = "1.1.1.1"}) == kPod);
  CHECK(sent(with_nodes(), {.dst = "10.96.0.1"}) == kPod);  // a service inside the strict CIDR
  CHECK(sent(with_nodes(), {.dst = "10.0.1.103"}) == kPod);
  CHECK(sent(with_nodes(), {.dst = "10.0.0.249"}) == 0x3e00);
  CHECK(sent(with_nodes(0), kPodToNode) == 0);
}

TEST_CASE("host encryption: the guard encrypts what pods have a part in") {
  const Programs programs = with_nodes();
  guard_encrypts(programs, kPodToNode, kPod);
  guard_encrypts(programs, kPodToNode, 0);                    // of a pod whose sending is shaped
  guard_encrypts(programs, kNodeToNode, kPod | kMasquerade);  // a pod's, masqueraded
  guard_encrypts(programs, kNodeToNode, kLocal);              // answers what came out of ESP
  guard_encrypts(programs, kNodeToNode6, kPod);
  guard_encrypts(programs, kNodeToNode6, kLocal);
  guard_encrypts(programs, kNodeToPod, 0);  // the node's own, or a NodePort's
  guard_encrypts(programs, {.src = "192.0.2.7", .dst = "10.0.0.249"}, kMasquerade);
  guard_encrypts(programs, {.src = "fd00:172::3", .dst = "fd00:10::f9"}, 0);
}

TEST_CASE("host encryption: what is between two nodes stays as it is") {
  const Programs programs = with_nodes();
  guard_passes(programs, kNodeToNode, 0);
  guard_passes(programs, kNodeToNode, kMasquerade);
  guard_passes(programs, kNodeToNode6, 0);
  guard_passes(programs, {.src = "172.18.0.3", .dst = "172.18.0.4", .protocol = kEsp}, 0);
  guard_passes(programs, {.src = "172.18.0.3", .dst = "172.18.0.9"}, kPod);  // no node of ours
  guard_passes(programs, {.src = "172.18.0.3", .dst = "10.77.0.1"}, 0);      // strict is for pods
}

TEST_CASE("host encryption: what went round and is still in the clear is dropped") {
  const Packet packet = GENERATE(kNodeToNode, kNodeToPod, kPodToNode);
  const Programs programs = with_nodes();
  CHECK(programs.run("pell_uplink_out", frame(packet), 0x3e00).verdict == TC_ACT_SHOT);
  CHECK(programs.drops() == Drops{{DROP_UNENCRYPTED, {1, frame(packet).size()}}});
}

TEST_CASE("host encryption: the node's packets to pods that nothing may be sent to are dropped") {
  const Bytes bytes = frame({.src = "172.18.0.3", .dst = "10.0.2.1"});
  const Programs programs = with_nodes();
  CHECK(programs.run("pell_uplink_out", bytes, 0).verdict == TC_ACT_SHOT);
  CHECK(programs.drops() == Drops{{DROP_NO_KEY, {1, bytes.size()}}});
}

TEST_CASE("host encryption: what pods say to a node whose entry was refused is dropped") {
  auto config = worker();
  config.host_encryption = 1;
  config.v4.held_nodes = {.prefix = address("172.18.0.8"),
                          .mask = mask("172.18.0.8", 29),
                          .as = {.key_id = KEY_NO_NODE, .node = 1}};
  Programs programs = configured(config);
  programs.set_peer("172.18.0.9", 32, 3, true);
  const Packet masqueraded{.src = "172.18.0.3", .dst = "172.18.0.10"};
  guard_passes(programs, masqueraded, 0);  // the node's own
  guard_passes(programs, {.src = "10.0.1.52", .dst = "172.18.0.4"}, 0);
  guard_encrypts(programs, {.src = "10.0.1.52", .dst = "172.18.0.9"}, kPod);
  CHECK(programs.run("pell_uplink_out", frame(masqueraded), kPod).verdict == TC_ACT_SHOT);
  CHECK(programs.run("pell_uplink_out", frame(masqueraded), kLocal).verdict == TC_ACT_SHOT);
  const Packet direct{.src = "10.0.1.52", .dst = "172.18.0.10"};
  CHECK(programs.run("pell_uplink_out", frame(direct), 0).verdict == TC_ACT_SHOT);
  CHECK(programs.drops().at(DROP_NO_KEY).packets == 3);
}

TEST_CASE("host encryption: switched off, nodes are left alone") {
  const Programs programs = with_nodes(0);
  for (const uint32_t mark : {0U, kPod, kLocal}) {
    guard_passes(programs, kNodeToNode, mark);
    guard_passes(programs, kNodeToPod, mark);
    guard_passes(programs, kPodToNode, mark);
  }
}
