// pell_uplink_in: a node may only send with its own addresses, and in ESP where its Node says so.
#include "agent/model/ip.h"
#include "tests/bpf/net.h"
#include "tests/bpf/programs.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::datapath;

namespace {

constexpr const char* kProgram = "pell_uplink_in";
constexpr const char* kNone = "0.0.0.0";
constexpr size_t kEthernet = 14;

// worker as its agent configures it. worker2 and control-plane announce encryption; the node of
// 10.0.4.0/24 does not.
Programs with_owners(const datapath_config& config = worker(),
                     clear_text verdict = CLEAR_IS_DROPPED) {
  Programs programs = configured(config);
  programs.set_owner("10.0.1.0", 24, "10.0.1.138", verdict, verdict);
  programs.set_owner("172.18.0.3", 32, "10.0.1.138");
  programs.set_owner("10.0.0.0", 24, "10.0.0.40", verdict);
  programs.set_owner("172.18.0.4", 32, "10.0.0.40", verdict);
  programs.set_owner("10.0.2.0", 24, "10.0.2.52", verdict, verdict);
  programs.set_owner("10.0.4.0", 24, "10.0.4.1");
  programs.set_owner("fd00:10::", 64, "fd00:10::28", verdict);
  return programs;
}

bool passes(const Programs& programs, const Packet& packet, uint32_t mark = 0) {
  const auto outcome = programs.run(kProgram, frame(packet), mark);
  CHECK((outcome.verdict == TC_ACT_UNSPEC || outcome.verdict == TC_ACT_SHOT));
  return outcome.verdict == TC_ACT_UNSPEC;
}

}  // namespace

TEST_CASE("owner: clear text for a pod, from pods whose node encrypts, is dropped and counted") {
  const Programs programs = with_owners();
  const Packet packet{.src = "10.0.0.249", .dst = "10.0.1.52"};
  CHECK_FALSE(passes(programs, packet));
  CHECK_FALSE(passes(programs, packet));
  CHECK(programs.drops() == Drops{{DROP_CLEAR_TEXT, {2, 2 * frame(packet).size()}}});
  CHECK(programs.forged(CLEAR_DROPPED, kNone, "10.0.0.40") == Dropped{2, 2 * frame(packet).size()});
  CHECK_FALSE(passes(programs, {.src = "fd00:10::f9", .dst = "fd00:10:1::34"}));
  CHECK(programs.forged(CLEAR_DROPPED, "::", "fd00:10::28").packets == 1);
  CHECK_FALSE(passes(programs, {.src = "10.0.0.40", .dst = "10.0.1.138"}));  // worker2's router
  CHECK_FALSE(passes(programs, {.src = "10.0.1.103", .dst = "10.0.1.52"}));  // from a local pod
  CHECK_FALSE(passes(programs, {.src = "10.0.1.103", .dst = "172.18.0.3"}));
  CHECK_FALSE(passes(programs, {.src = "172.18.0.4", .dst = "10.0.1.52"}));  // node to pod
  CHECK_FALSE(passes(programs, {.src = "10.0.2.7", .dst = "172.18.0.3"}));   // pod to node
}

TEST_CASE("owner: what no Node says is ESP comes in as ever") {
  const Programs programs = with_owners();
  CHECK(passes(programs, {.src = "10.0.4.7", .dst = "10.0.1.52"}));     // its Node announces none
  CHECK(passes(programs, {.src = "10.0.0.249", .dst = "172.18.0.3"}));  // nor for a node
  CHECK(passes(programs, {.src = "172.18.0.9", .dst = "10.0.1.52"}));   // a router's ICMP, a client
  CHECK(passes(programs, {.src = "8.8.8.8", .dst = "10.0.1.52"}));
  CHECK(passes(programs, {.src = "172.18.0.4", .dst = "172.18.0.3"}));  // between nodes
  CHECK(passes(programs, {.src = "10.0.0.249", .dst = "1.1.1.1"}));     // no route there
  CHECK(passes(programs, {.src = "10.0.0.249", .dst = "224.0.0.251"}));
  CHECK(passes(programs, {.src = "10.0.0.40", .dst = "10.0.1.138", .protocol = kEsp}));
  CHECK(programs.drops().empty());
}

TEST_CASE("owner: observed clear text is counted and comes in") {
  const Programs programs = with_owners(worker(), CLEAR_IS_OBSERVED);
  const Packet packet{.src = "10.0.0.249", .dst = "10.0.1.52"};
  CHECK(passes(programs, packet));
  CHECK(passes(programs, {.src = "172.18.0.4", .dst = "10.0.1.52"}));
  CHECK(programs.drops().empty());
  CHECK(programs.forged(CLEAR_OBSERVED, kNone, "10.0.0.40").packets == 2);
}

TEST_CASE("owner: clear text for a Service, whose address is about to become a pod's") {
  const Net net;
  const clear_text verdict = GENERATE(CLEAR_IS_DROPPED, CLEAR_IS_OBSERVED);
  const Programs programs = with_owners(net.config(), verdict);
  const Family family = GENERATE(Family::v4, Family::v6);
  const bool v4 = family == Family::v4;
  CAPTURE(verdict, v4);
  set_sysctl(std::string("net/ipv") + (v4 ? "4" : "6") + "/conf/eth0/forwarding", "1");
  const auto change = v4 ? ip : ip6;
  const std::string service = v4 ? "10.96.169.246" : "fd00:96::a9f6";
  const std::string pod = v4 ? "10.0.0.249" : "fd00:10::f9", world = v4 ? "8.8.8.8" : "2001:db8::8";
  const MacBytes own = mac("eth0");
  const auto comes_in = [&](const std::string& source) {
    const auto packet = frame({.src = source, .dst = service, .to = own});
    return programs.run(kProgram, packet, 0, ifindex("eth0")).verdict == TC_ACT_UNSPEC;
  };
  const auto counted = [&] {
    const auto kind = verdict == CLEAR_IS_DROPPED ? CLEAR_DROPPED : CLEAR_OBSERVED;
    return programs.forged(kind, v4 ? kNone : "::", v4 ? "10.0.0.40" : "fd00:10::28").packets;
  };
  CHECK(comes_in(pod));  // no route to the Service: the kernel drops it
  change("route add default via " + std::string(v4 ? "172.18.0.1" : "fe80::1") + " dev eth0");
  CHECK(comes_in(world));
  CHECK(counted() == 0);
  CHECK(comes_in(pod) == (verdict == CLEAR_IS_OBSERVED));
  CHECK(counted() == 1);
  change("neighbour add " + std::string(v4 ? "172.18.0.1" : "fe80::1") +
         " lladdr 02:00:00:00:00:04 dev eth0");
  CHECK(comes_in(pod) == (verdict == CLEAR_IS_OBSERVED));
  CHECK(counted() == 2);
  // A frame that a switch floods, and ESP between two other nodes.
  for (const Packet& passing : {Packet{.src = pod, .dst = service},
                                Packet{.src = pod, .dst = service, .protocol = kEsp, .to = own}})
    CHECK(programs.run(kProgram, frame(passing), 0, ifindex("eth0")).verdict == TC_ACT_UNSPEC);
  CHECK(counted() == 2);
  // This node routes for others, then owns the Service address itself.
  change("route add " + service + " dev lxc");
  CHECK(comes_in(pod));
  change("route del " + service + " dev lxc");
  change("address add " + service + " dev lxc");
  CHECK(comes_in(pod));
  CHECK(counted() == 2);
}

TEST_CASE("owner: of what one key for all decrypts, it is known that it is not this node's") {
  const Programs programs = with_owners();
  for (const char* forged : {"10.0.1.103", "172.18.0.3", "10.0.1.138"}) {
    CAPTURE(forged);
    CHECK_FALSE(passes(programs, {.src = forged, .dst = "10.0.1.52"}, 0xd00));
  }
  CHECK(programs.forged(FORGED_IN_ESP, kNone, "10.0.1.138").packets == 3);
  for (const char* other : {"10.0.0.249", "10.0.2.7", "172.18.0.4", "8.8.8.8"}) {
    CAPTURE(other);
    CHECK(passes(programs, {.src = other, .dst = "10.0.1.52"}, 0xd00));
  }
}

namespace {

// ESP for a state with cipher_null and digest_null: the inner packet is readable as it is.
Bytes esp(const std::string& src, const std::string& dst, uint32_t spi, const Packet& inner) {
  const Bytes packet = bare(inner);
  Bytes payload;
  for (int shift = 24; shift >= 0; shift -= 8)
    payload.push_back(static_cast<uint8_t>(spi >> shift));
  payload.insert(payload.end(), {0, 0, 0, 1});
  payload.insert(payload.end(), packet.begin(), packet.end());
  uint8_t padding = 0;
  while ((payload.size() + 2) % 4 != 0) payload.push_back(++padding);
  payload.push_back(padding);
  payload.push_back(inner.src.find(':') != std::string::npos ? 41 : 4);
  return frame({.src = src,
                .dst = dst,
                .protocol = kEsp,
                .payload = payload.size(),
                .begins = payload,
                .to = mac("eth0")});
}

struct Sender {
  const char* router;
  uint32_t spi;
};
constexpr Sender kWorker2{"10.0.0.40", 0x10000401}, kControlPlane{"10.0.2.52", 0x10000402};
constexpr Sender kAll{"0.0.0.0", 0x3};  // one key for all nodes

void add_state(const Sender& from) {
  ip("xfrm state add src " + std::string(from.router) + " dst 10.0.1.138 proto esp spi " +
     std::to_string(from.spi) +
     " reqid 1 mode tunnel mark 0xd00 mask 0xf00 output-mark 0xd00 mask 0xf00 "
     "enc cipher_null \"\" auth digest_null \"\"");
}

}  // namespace

TEST_CASE("owner: what comes out of a node's ESP is that node's, or no node's") {
  const Net net;
  const Programs programs = with_owners(net.config());
  programs.attach(kProgram, "eth0", true);
  ip("address add 10.0.1.138/32 dev cilium_host");
  for (const char* device : {"all", "eth0"})
    set_sysctl("net/ipv4/conf/" + std::string(device) + "/rp_filter", "0");
  for (const auto& sender : {kWorker2, kControlPlane, kAll}) add_state(sender);
  const Tap wire("wire"), eth0("eth0");
  const auto comes_out = [&](const Sender& sender, const std::string& source) {
    const Packet inner{.src = source, .dst = "10.0.1.52"};
    const std::string outer = sender.spi == kAll.spi ? "10.0.0.40" : sender.router;
    wire.send(esp(outer, "10.0.1.138", sender.spi, inner));
    const auto received = eth0.receive();
    REQUIRE(received);
    CHECK(received->mark == 0xd00);
    const auto decrypted = eth0.receive(std::chrono::milliseconds(500));
    if (!decrypted) return false;
    CHECK(Bytes(decrypted->frame.begin() + kEthernet, decrypted->frame.end()) == bare(inner));
    CHECK(decrypted->mark == 0);
    return true;
  };
  CHECK(comes_out(kWorker2, "10.0.0.249"));
  CHECK(comes_out(kWorker2, "10.0.0.40"));
  CHECK(comes_out(kWorker2, "172.18.0.4"));
  CHECK(comes_out(kWorker2, "8.8.8.8"));  // this node forwards it
  CHECK(comes_out(kControlPlane, "10.0.2.7"));
  CHECK(programs.drops().empty());

  CHECK_FALSE(comes_out(kControlPlane, "10.0.0.249"));
  CHECK_FALSE(comes_out(kControlPlane, "172.18.0.4"));
  CHECK_FALSE(comes_out(kWorker2, "10.0.2.7"));
  CHECK_FALSE(comes_out(kWorker2, "10.0.4.7"));
  CHECK_FALSE(comes_out(kWorker2, "10.0.1.103"));
  CHECK_FALSE(comes_out(kWorker2, "172.18.0.3"));
  CHECK(programs.drops().at(DROP_FORGED_NODE).packets == 6);
  CHECK(programs.forged(FORGED_IN_ESP, "10.0.2.52", "10.0.0.40").packets == 2);
  CHECK(programs.forged(FORGED_IN_ESP, "10.0.0.40", "10.0.1.138").packets == 2);

  CHECK(comes_out(kAll, "10.0.2.7"));
  CHECK_FALSE(comes_out(kAll, "10.0.1.103"));
  CHECK(programs.forged(FORGED_IN_ESP, kNone, "10.0.1.138").packets == 1);
}

}  // namespace this_file
