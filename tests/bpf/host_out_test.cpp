// pell_host_out: delivers to local pods, drops clear text that carries the encryption mark, and
// marks what routing sends to cilium_host.
#include "tests/bpf/net.h"
#include "tests/bpf/programs.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::datapath;

namespace {

constexpr const char* kProgram = "pell_host_out";
constexpr MacBytes kPod = {2, 1, 1, 1, 1, 1};
constexpr MacBytes kHost = {2, 2, 2, 2, 2, 2};
const Packet kEspOut{.src = "10.0.1.138", .dst = "10.0.0.40", .protocol = kEsp};
const Packet kMasqueraded{.src = "172.18.0.3", .dst = "10.0.0.249"};

Programs with_pod() {
  Programs programs = configured();
  endpoint_value endpoint{.ifindex = 1};
  std::copy(kPod.begin(), kPod.end(), endpoint.pod_mac);
  std::copy(kHost.begin(), kHost.end(), endpoint.host_mac);
  programs.set_endpoint("10.0.1.52", endpoint);
  return programs;
}

void leaves_mark(const Programs& programs, const Bytes& bytes, uint32_t before, uint32_t after) {
  CHECK(programs.run(kProgram, bytes, before) == Outcome{TC_ACT_OK, after, bytes});
  CHECK(programs.drops().empty());
}

void passes(const Programs& programs, const Bytes& bytes, uint32_t mark) {
  leaves_mark(programs, bytes, mark, mark);
}

void is_dropped(const Programs& programs, const Bytes& bytes, drop_reason reason,
                uint32_t mark = 0x3e00) {
  CHECK(programs.run(kProgram, bytes, mark).verdict == TC_ACT_SHOT);
  CHECK(programs.drops() == Drops{{reason, {1, bytes.size()}}});
}

// A namespace with cilium_host and what the agent sets there.
class Node : public Net {
 public:
  Node() {
    set_sysctl("net/ipv4/conf/cilium_host/forwarding", "1");
    programs_.configure(config());
  }
  Outcome run(const Packet& packet, uint32_t mark) const {
    return programs_.run(kProgram, frame(packet), mark, ifindex("cilium_host"));
  }
  const Programs& programs() const { return programs_; }

 private:
  Programs programs_ = configured();
};

}  // namespace

TEST_CASE("host out: a local pod's packet gets its addresses and goes to its device") {
  const Programs programs = with_pod();
  const uint32_t mark = GENERATE(0u, 0x4000u, 0x200u);
  const size_t payload = GENERATE(0u, 64u, 3000u);
  const Bytes bytes = frame({.src = "10.0.0.249", .dst = "10.0.1.52", .payload = payload});
  CHECK(programs.run(kProgram, bytes, mark) ==
        Outcome{TC_ACT_REDIRECT, mark, readdressed(bytes, kPod, kHost)});
  CHECK(programs.drops().empty());
}

TEST_CASE("host out: what is for no pod and no peer goes on to cilium_net") {
  const Programs programs = with_pod();
  passes(programs, frame({.dst = "10.0.1.53"}), 0);
  passes(programs, frame({.dst = "10.0.1.138"}), 0x200);
  passes(programs, frame({.dst = "10.77.0.1"}), 0);
  passes(programs, frame({.src = "172.18.0.3", .dst = "172.18.0.4"}), 0x4000);
}

TEST_CASE("host out: what routing sent here for a peer's pods is marked with the peer's key id") {
  Programs programs = with_pod();
  const uint32_t mark = GENERATE(0u, 0x4000u, 0x100u, 0x200u, 0xd00u, 0xffff'f0ffu);
  leaves_mark(programs, frame({}), mark, 0x3e00);
  leaves_mark(programs, frame({.src = "10.0.1.138"}), mark, 0x3e00);  // from the router itself
  leaves_mark(programs, frame({.dst = "10.0.0.40"}), mark, 0x3e00);   // to the peer's router
  leaves_mark(programs, frame({.fragment = 0x00b9}), mark, 0x3e00);
  leaves_mark(programs, frame({.payload = 3000, .ihl = 15}), mark, 0x3e00);
  leaves_mark(programs, frame({.protocol = kEsp}), mark, 0x3e00);
  leaves_mark(programs, frame(kEspOut), mark, 0x3e00);  // ESP that no xfrm policy made
  programs.set_peer("10.0.0.249", 32, 15);
  leaves_mark(programs, frame({}), mark, 0xfe00);
}

TEST_CASE("host out: for a peer without a key it is dropped") {
  is_dropped(with_pod(), frame({.dst = "10.0.2.1"}), DROP_NO_KEY, 0);
  is_dropped(with_pod(), frame({.src = "10.0.1.138", .dst = "10.0.2.1"}), DROP_NO_KEY, 0x4000);
}

TEST_CASE("host out: this node's own addresses are no peer's, even when an entry says so") {
  Programs programs = with_pod();
  programs.set_peer("10.0.1.0", 24, 7);
  passes(programs, frame({.dst = "10.0.1.53"}), 0);
}

TEST_CASE("host out: what is masqueraded is sent on with mark 0, its neighbour known or not") {
  const Node node;
  ip("route add 10.0.0.0/16 via 172.18.0.4 dev eth0");
  const Outcome sent{TC_ACT_REDIRECT, 0, frame(kMasqueraded)};
  CHECK(node.run(kMasqueraded, 0) == sent);
  ip("neighbour add 172.18.0.4 lladdr 02:00:00:00:00:04 dev eth0");
  CHECK(node.run(kMasqueraded, 0x4000) == sent);
  CHECK(node.run(kMasqueraded, 0x200) == sent);
  const Packet without_key{.src = "172.18.0.3", .dst = "10.0.2.1"};
  CHECK(node.run(without_key, 0x4000) == Outcome{TC_ACT_REDIRECT, 0, frame(without_key)});
  CHECK(node.programs().drops().empty());
}

TEST_CASE("host out: what is masqueraded is not routed by its mark") {
  const Node node;
  ip("route add 10.0.0.0/24 via 172.18.0.4 dev eth0");
  ip("rule add pref 1 fwmark 0x4000/0x4000 lookup 200");
  ip("route add prohibit 10.0.0.0/24 table 200");
  CHECK(node.run(kMasqueraded, 0x4000).verdict == TC_ACT_REDIRECT);
}

TEST_CASE("host out: what is masqueraded and has no way is dropped") {
  const Node node;
  uint64_t expected = 0;
  const auto has_no_way = [&] {
    const uint64_t bytes = ++expected * frame(kMasqueraded).size();
    CHECK(node.run(kMasqueraded, 0x4000).verdict == TC_ACT_SHOT);
    CHECK(node.programs().drops() == Drops{{DROP_NO_ROUTE, {expected, bytes}}});
  };
  has_no_way();
  ip("route replace unreachable 10.0.0.0/24");
  has_no_way();
  ip("route replace 10.0.0.0/24 dev cilium_host");
  has_no_way();
  ip("route replace 10.0.0.0/24 dev cilium_net");
  has_no_way();
  ip("route replace 10.0.0.0/24 via 172.18.0.4 dev eth0");
  set_sysctl("net/ipv4/conf/cilium_host/forwarding", "0");
  has_no_way();
}

TEST_CASE("host out: ESP of ours passes") {
  const Programs programs = with_pod();
  passes(programs, frame(kEspOut), 0x3e00);
  passes(programs, frame(kEspOut), 0xfe00);
  passes(programs, frame(kEspOut), 0xe00);
}

TEST_CASE("host out: marked for encryption yet in the clear is dropped") {
  is_dropped(with_pod(), frame({}), DROP_UNENCRYPTED);
  is_dropped(with_pod(), frame(kMasqueraded), DROP_UNENCRYPTED);
  is_dropped(with_pod(), frame({.dst = "10.0.1.52"}), DROP_UNENCRYPTED);  // not even to a local pod
  is_dropped(with_pod(), frame({.src = "10.0.1.52", .protocol = kEsp}), DROP_UNENCRYPTED);
  is_dropped(with_pod(), frame({.src = "10.0.1.138", .protocol = 51}), DROP_UNENCRYPTED);
  is_dropped(with_pod(), without_options(kEspOut), DROP_UNENCRYPTED);
  is_dropped(with_pod(), frame({.ethertype = 0x86dd}), DROP_UNENCRYPTED);
}

TEST_CASE("host out: marked packets are dropped without configuration, pods still get theirs") {
  Programs programs;
  programs.set_endpoint("10.0.1.52", {.ifindex = 1});
  programs.set_peer("10.0.0.0", 24, 3);
  const Bytes to_pod = frame({.dst = "10.0.1.52"});
  CHECK(programs.run(kProgram, to_pod).verdict == TC_ACT_REDIRECT);
  passes(programs, frame({}), 0);
  is_dropped(programs, frame(kEspOut), DROP_NO_CONFIG);
}

TEST_CASE("host out: what cannot be read passes, cilium_net's side has no use for it") {
  const Programs programs = with_pod();
  passes(programs, frame({.dst = "10.0.1.52", .ethertype = 0x86dd}), 0);
  passes(programs, frame({.dst = "10.0.1.52", .ihl = 4}), 0);
  passes(programs, frame({.ihl = 4}), 0);
  passes(programs, without_options({.dst = "10.0.1.52"}), 0);
  passes(programs, without_options({}), 0);
}

}  // namespace this_file
