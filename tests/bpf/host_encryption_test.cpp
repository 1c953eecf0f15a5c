// Host encryption: traffic between pods and other nodes' own addresses, with and without NAT.
#include "tests/bpf/programs.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::datapath;

namespace {

constexpr uint32_t kPod = 0x100;
constexpr uint32_t kLocal = 0x200;  // decrypted, or the answer to a decrypted packet
constexpr uint32_t kMasquerade = 0x4000;

// configured(), plus worker2's own addresses with its key.
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

void auditor_passes(const Programs& programs, const Packet& packet, uint32_t mark) {
  const Drops before = programs.drops();
  const Bytes bytes = frame(packet);
  CHECK(programs.run("pell_uplink_out", bytes, mark) == Outcome{TC_ACT_UNSPEC, mark, bytes});
  CHECK(programs.drops() == before);
}

void is_dropped(const Programs& programs, const std::string& program, const Packet& packet,
                uint32_t mark, drop_reason reason) {
  Drops expected = programs.drops();
  expected[reason].packets += 1;
  expected[reason].bytes += frame(packet).size();
  CHECK(programs.run(program, frame(packet), mark).verdict == TC_ACT_SHOT);
  CHECK(programs.drops() == expected);
}

// The packet must be encrypted: cilium_host sets the encryption mark, and the auditor drops the
// packet in the clear.
void is_to_be_encrypted(const Programs& programs, const Packet& packet, uint32_t mark) {
  is_dropped(programs, "pell_uplink_out", packet, mark, DROP_UNENCRYPTED);
  const Bytes bytes = frame(packet);
  CHECK(programs.run("pell_host_out", bytes, mark) == Outcome{TC_ACT_OK, 0x3e00, bytes});
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
  CHECK(sent(with_nodes(), {.dst = "10.96.0.1"}) == kPod);  // a Service
  CHECK(sent(with_nodes(), {.dst = "10.0.1.103"}) == kPod);
  CHECK(sent(with_nodes(), {.dst = "10.0.0.249"}) == 0x3e00);
  CHECK(sent(with_nodes(0), kPodToNode) == 0);
}

TEST_CASE("host encryption: when it is switched off, entries of nodes that remain stop nothing") {
  Programs programs = with_nodes(0);  // the agent writes the configuration first
  programs.set_peer("172.18.0.4", 32, 3, true);
  programs.set_peer("fd00:172::4", 128, 3, true);
  CHECK(programs.run("pell_lxc_in", frame(kPodToNode), 0).mark == 0);
  auditor_passes(programs, kPodToNode, 0);
  auditor_passes(programs, {.src = "fd00:10:1::34", .dst = "fd00:172::4"}, 0);
  is_dropped(programs, "pell_uplink_out", {.src = "10.0.1.52", .dst = "10.0.0.249"}, 0,
             DROP_UNENCRYPTED);
}

TEST_CASE("host encryption: what pods have a part in is encrypted or does not leave") {
  const Programs programs = with_nodes();
  is_to_be_encrypted(programs, kPodToNode, kPod);
  is_to_be_encrypted(programs, kPodToNode, 0);  // from a pod with an egress shaper
  is_to_be_encrypted(programs, kNodeToNode, kPod | kMasquerade);  // from a pod, masqueraded
  is_to_be_encrypted(programs, kNodeToNode, kLocal);  // the answer to a decrypted packet
  is_to_be_encrypted(programs, kNodeToNode6, kPod);
  is_to_be_encrypted(programs, kNodeToNode6, kLocal);
  is_to_be_encrypted(programs, kNodeToPod, 0);  // from the node itself, or through a NodePort
  is_to_be_encrypted(programs, {.src = "192.0.2.7", .dst = "10.0.0.249"}, kMasquerade);
  is_to_be_encrypted(programs, {.src = "fd00:172::3", .dst = "fd00:10::f9"}, 0);
}

TEST_CASE("host encryption: what is between two nodes stays as it is") {
  const Programs programs = with_nodes();
  auditor_passes(programs, kNodeToNode, 0);
  auditor_passes(programs, kNodeToNode, kMasquerade);
  auditor_passes(programs, kNodeToNode6, 0);
  auditor_passes(programs, {.src = "172.18.0.3", .dst = "172.18.0.4", .protocol = kEsp}, 0);
  auditor_passes(programs, {.src = "172.18.0.3", .dst = "172.18.0.9"}, kPod);  // not a peer
  auditor_passes(programs, {.src = "172.18.0.3", .dst = "10.77.0.1"}, 0);
  // If such a packet reaches cilium_host, routes forward it. This namespace has no routes.
  is_dropped(programs, "pell_host_out", kNodeToNode, 0, DROP_NO_ROUTE);
  is_dropped(programs, "pell_host_out", kNodeToNode, kMasquerade, DROP_NO_ROUTE);
  is_dropped(programs, "pell_host_out", kNodeToNode6, 0, DROP_NO_ROUTE);
}

TEST_CASE("host encryption: what has the mark and is still in the clear is dropped") {
  const Packet packet = GENERATE(kNodeToNode, kNodeToPod, kPodToNode);
  const std::string program = GENERATE("pell_uplink_out", "pell_host_out");
  is_dropped(with_nodes(), program, packet, 0x3e00, DROP_UNENCRYPTED);
}

TEST_CASE("host encryption: the node's packets to pods that nothing may be sent to are dropped") {
  const std::string program = GENERATE("pell_uplink_out", "pell_host_out");
  is_dropped(with_nodes(), program, {.src = "172.18.0.3", .dst = "10.0.2.1"}, 0, DROP_NO_KEY);
}

TEST_CASE("host encryption: a node that nothing may be sent to gets its own packets alone") {
  Programs programs = with_nodes();
  programs.set_peer("172.18.0.5", 32, KEY_NOT_YET, true);
  const Packet to_node{.src = "172.18.0.3", .dst = "172.18.0.5"};
  auditor_passes(programs, to_node, 0);
  for (const char* program : {"pell_uplink_out", "pell_host_out"}) {
    is_dropped(programs, program, to_node, kPod, DROP_NO_KEY);
    is_dropped(programs, program, to_node, kLocal, DROP_NO_KEY);
    is_dropped(programs, program, {.src = "10.0.1.52", .dst = "172.18.0.5"}, 0, DROP_NO_KEY);
  }
}

TEST_CASE("host encryption: switched off, nodes are left alone") {
  const Programs programs = with_nodes(0);
  for (const uint32_t mark : {0U, kPod, kLocal}) {
    auditor_passes(programs, kNodeToNode, mark);
    auditor_passes(programs, kNodeToPod, mark);
    auditor_passes(programs, kPodToNode, mark);
    const Bytes bytes = frame(kPodToNode);
    CHECK(programs.run("pell_host_out", bytes, mark) == Outcome{TC_ACT_OK, mark, bytes});
  }
}

}  // namespace this_file
