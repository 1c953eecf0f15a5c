// pell_uplink_in: marks ESP for decryption and passes decrypted packets on.
#include "tests/bpf/programs.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;

namespace {

constexpr const char* kProgram = "pell_uplink_in";
const Packet kEspIn{.src = "10.0.0.40", .dst = "10.0.1.138", .protocol = kEsp};

// The program drops and rewrites nothing; filters of other owners run after it.
void leaves_mark(const Programs& programs, const Bytes& bytes, uint32_t before, uint32_t after) {
  CHECK(programs.run(kProgram, bytes, before) == Outcome{TC_ACT_UNSPEC, after, bytes});
  CHECK(programs.drops().empty());
}

Packet with_fragment(Packet packet, uint16_t fragment) {
  packet.fragment = fragment;
  return packet;
}

}  // namespace

TEST_CASE("uplink in: ESP for this node is marked for decryption") {
  const Programs programs = configured();
  leaves_mark(programs, frame(kEspIn), 0, 0xd00);
  SECTION("from any sender") {
    leaves_mark(programs, frame({.src = "192.0.2.1", .dst = "10.0.1.138", .protocol = kEsp}), 0,
                0xd00);
  }
  SECTION("every fragment of it") {
    leaves_mark(programs, frame(with_fragment(kEspIn, 0x2000)), 0, 0xd00);
    leaves_mark(programs, frame(with_fragment(kEspIn, 0x00b9)), 0, 0xd00);
  }
  SECTION("whatever mark an earlier program gave it") {
    leaves_mark(programs, frame(kEspIn), 0xe00, 0xd00);
    leaves_mark(programs, frame(kEspIn), 0xffff'f0ff, 0xd00);
  }
}

TEST_CASE("uplink in: what tcx has judged is let alone by the filter") {
  Programs programs = configured();
  programs.set_owner("10.0.0.0", 24, "10.0.0.40", datapath::CLEAR_IS_DROPPED);
  const auto pod_to_pod = frame({.src = "10.0.0.249", .dst = "10.0.1.52"});
  const auto in_the_clear = programs.run(kProgram, pod_to_pod, 0);
  CHECK(in_the_clear.verdict == TC_ACT_SHOT);
  const auto drops = programs.drops();
  const auto esp = frame(kEspIn);
  CHECK(programs.run_twice(kProgram, esp, 0) == Outcome{TC_ACT_UNSPEC, 0xd00, esp});
  CHECK(programs.run_twice(kProgram, pod_to_pod, 0xd00) == Outcome{TC_ACT_UNSPEC, 0, pod_to_pod});
  CHECK(programs.drops() == drops);
}

TEST_CASE("uplink in: foreign ESP is left alone") {
  const Programs programs = configured();
  leaves_mark(programs, frame({.src = "172.18.0.4", .dst = "172.18.0.3", .protocol = kEsp}), 0, 0);
  leaves_mark(programs, frame({.dst = "10.0.1.52", .protocol = kEsp}), 0x77, 0x77);
}

TEST_CASE("uplink in: clear text for this node or anybody is left alone") {
  const Programs programs = configured();
  leaves_mark(programs, frame({.src = "172.18.0.9", .dst = "10.0.1.138", .protocol = 51}), 0, 0);
  leaves_mark(programs, frame({.src = "172.18.0.9", .dst = "10.0.1.138", .protocol = 1}), 5, 5);
  leaves_mark(programs, frame({.src = "172.18.0.9", .dst = "10.0.1.52", .protocol = 6}), 5, 5);
}

TEST_CASE("uplink in: a decrypted packet loses its mark") {
  const Programs programs = configured();
  leaves_mark(programs, frame({.src = "10.0.0.249", .dst = "10.0.1.52"}), 0xd00, 0);
  leaves_mark(programs, frame({.dst = "10.0.1.52", .protocol = kEsp}), 0xd00, 0);
  leaves_mark(programs, frame({.dst = "10.0.1.52"}), 0x3d00, 0);
  leaves_mark(programs, frame({.dst = "10.0.1.52", .ethertype = 0x86dd}), 0xd00, 0);
}

TEST_CASE("uplink in: a decrypted packet for the node itself keeps the mark of the IN policy") {
  const Programs programs = configured();
  leaves_mark(programs, frame({.src = "10.0.0.249", .dst = "10.0.1.138"}), 0xd00, 0x200);
  leaves_mark(programs, frame(kEspIn), 0xd00, 0x200);  // ESP inside ESP is not decrypted twice
}

TEST_CASE("uplink in: what was decrypted for an address of no local pod keeps it, too") {
  const Programs programs = configured();
  leaves_mark(programs, frame({.src = "172.18.0.4", .dst = "172.18.0.3"}), 0xd00, 0x200);
  leaves_mark(programs, frame({.src = "10.0.0.249", .dst = "172.18.0.3"}), 0xd00, 0x200);
  leaves_mark(programs, frame({.src = "fd00:10::f9", .dst = "fd00:172::3"}), 0xd00, 0x200);
  leaves_mark(programs, frame({.src = "172.18.0.4", .dst = "172.18.0.3"}), 0, 0);  // in the clear
}

TEST_CASE("uplink in: what cannot be read passes") {
  const Programs programs = configured();
  Packet bad = kEspIn;
  SECTION("cut short") {
    leaves_mark(programs, without_options(kEspIn), 0, 0);
  }
  SECTION("header length") {
    bad.ihl = 4;
    leaves_mark(programs, frame(bad), 0, 0);
  }
  SECTION("version") {
    bad.version = 5;
    leaves_mark(programs, frame(bad), 0, 0);
  }
  SECTION("cut short, decrypted") {
    leaves_mark(programs, without_options(kEspIn), 0xd00, 0);
  }
  SECTION("another protocol") {
    bad.ethertype = 0x86dd;
    leaves_mark(programs, frame(bad), 0, 0);
  }
  SECTION("tagged") {
    bad.tags = {7};
    leaves_mark(programs, frame(bad), 0, 0);
  }
}

TEST_CASE("uplink in: without configuration everything passes") {
  const Programs programs;
  leaves_mark(programs, frame(kEspIn), 0, 0);
  leaves_mark(programs, frame({.dst = "0.0.0.0", .protocol = kEsp}), 0, 0);
  leaves_mark(programs, frame(kEspIn), 0xd00, 0);
}

}  // namespace this_file
