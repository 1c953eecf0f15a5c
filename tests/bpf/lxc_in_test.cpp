// pell_lxc_in: which of a pod's packets it marks for encryption.
#include "tests/bpf/programs.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::datapath;

namespace {

constexpr const char* kProgram = "pell_lxc_in";
constexpr uint32_t kForged = 0xdead'be00;  // a mark that the packet arrives with

void passes(const Programs& programs, const Bytes& bytes, uint32_t mark) {
  CHECK(programs.run(kProgram, bytes, kForged) == Outcome{TC_ACT_OK, mark, bytes});
  CHECK(programs.drops().empty());
}

void is_dropped(const Programs& programs, const Bytes& bytes, drop_reason reason) {
  CHECK(programs.run(kProgram, bytes, kForged).verdict == TC_ACT_SHOT);
  CHECK(programs.drops() == Drops{{reason, {1, bytes.size()}}});
}

}  // namespace

TEST_CASE("lxc in: a packet for a peer's pod gets the peer's key id, whatever mark it brought") {
  Programs programs = configured();
  passes(programs, frame({}), 0x3e00);
  const uint32_t key_id = GENERATE(1u, 4u, 8u, 15u);
  programs.set_peer("10.0.0.0", 24, key_id);
  passes(programs, frame({}), key_id << 12 | 0xe00);
}

TEST_CASE("lxc in: the narrowest entry decides") {
  Programs programs = configured();
  programs.set_peer("10.0.0.249", 32, 5);
  passes(programs, frame({.dst = "10.0.0.249"}), 0x5e00);
  passes(programs, frame({.dst = "10.0.0.248"}), 0x3e00);
  passes(programs, frame({.dst = "10.0.0.0"}), 0x3e00);
  passes(programs, frame({.dst = "10.0.0.255"}), 0x3e00);
}

TEST_CASE("lxc in: nothing is sent to a peer without a key") {
  is_dropped(configured(), frame({.dst = "10.0.2.1"}), DROP_NO_KEY);
}

TEST_CASE("lxc in: this node's own pods and router are no peers, even inside a wider entry") {
  Programs programs = configured();
  passes(programs, frame({.dst = "10.0.1.103"}), 0);
  passes(programs, frame({.dst = "10.0.1.138"}), 0);
  programs.set_peer("10.0.1.103", 32, 7);  // an entry in the peers map changes nothing
  passes(programs, frame({.dst = "10.0.1.103"}), 0);
}

TEST_CASE("lxc in: the rest of the world gets mark 0") {
  const Programs programs = configured();
  const std::string dst = GENERATE("1.1.1.1", "172.18.0.4", "10.9.9.9", "9.255.255.255", "11.0.0.0",
                                   "224.0.0.251", "255.255.255.255");
  passes(programs, frame({.dst = dst}), 0);
}

TEST_CASE("lxc in: protocol, fragments and options make no difference") {
  const Programs programs = configured();
  passes(programs, frame({.protocol = 6}), 0x3e00);
  passes(programs, frame({.protocol = kEsp}), 0x3e00);  // ESP from the pod itself
  passes(programs, frame({.fragment = 0x2000}), 0x3e00);
  passes(programs, frame({.fragment = 0x00b9}), 0x3e00);
  passes(programs, frame({.payload = 0, .ihl = 6}), 0x3e00);
  passes(programs, frame({.ihl = 15}), 0x3e00);
  passes(programs, frame({.payload = 0}), 0x3e00);
  passes(programs, frame({.payload = 3000}), 0x3e00);
}

TEST_CASE("lxc in: a malformed IPv4 header is dropped") {
  const Programs programs = configured();
  SECTION("a header length below 5 words") {
    const auto ihl = static_cast<uint8_t>(GENERATE(0, 4));
    is_dropped(programs, frame({.ihl = ihl}), DROP_MALFORMED);
  }
  SECTION("options that are not there") {
    is_dropped(programs, without_options({}), DROP_MALFORMED);
  }
  SECTION("another version") {
    is_dropped(programs, frame({.version = 6}), DROP_MALFORMED);
  }
}

TEST_CASE("lxc in: what is not IP passes with mark 0") {
  passes(configured(), frame({.ethertype = 0x88cc}), 0);
}

TEST_CASE("lxc in: frames for another receiver pass with mark 0, the kernel forwards none") {
  const Programs programs = configured();
  passes(programs, frame({.to = {2, 0, 0, 0, 0, 1}}), 0);
  passes(programs, frame({.to = {1, 0, 0x5e, 0, 0, 1}}), 0);
  passes(programs, frame({.to = {255, 255, 255, 255, 255, 255}}), 0);
}

TEST_CASE("lxc in: a VLAN tag is dropped") {
  is_dropped(configured(), frame({.tags = {0}}), DROP_TAGGED);
  is_dropped(configured(), frame({.tags = {5, 0}}), DROP_TAGGED);
  is_dropped(configured(), frame({.ethertype = 0x88a8}), DROP_TAGGED);
}

TEST_CASE("lxc in: IP is dropped until the agent has filled the configuration") {
  const Programs programs;
  const std::string dst = GENERATE("1.1.1.1", "2001:db8::1");
  const std::string src = dst == "1.1.1.1" ? "10.0.1.52" : "fd00:10:1::34";
  is_dropped(programs, frame({.src = src, .dst = dst}), DROP_NO_CONFIG);
  const Bytes other = frame({.ethertype = 0x88cc});
  CHECK(programs.run(kProgram, other, kForged) == Outcome{TC_ACT_OK, 0, other});
}

TEST_CASE("lxc in: drops add up") {
  const Programs programs = configured();
  for (int i = 0; i < 3; ++i) programs.run(kProgram, frame({.dst = "10.0.2.1", .payload = 100}));
  programs.run(kProgram, frame({.payload = 6, .ihl = 4}));
  CHECK(programs.drops() == Drops{{DROP_NO_KEY, {3, 3 * 134}}, {DROP_MALFORMED, {1, 40}}});
}

}  // namespace this_file
