// A kernel that refuses operations, and an uplink that changes. Meanwhile pods' packets are
// encrypted or dropped, and the node reports the reason.
#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "agent/core/repairs.h"
#include "tests/harness/catch.h"
#include "tests/harness/faulty_calls/faulty_calls.h"
#include "tests/harness/lab/lab.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;
using Catch::Matchers::Contains;

namespace {

constexpr const char* kRemote = "10.0.0.249";

// An agent whose system calls fail while the file exists.
class Faulty {
 public:
  Faulty(Lab& lab, const std::string& node) {
    setenv("LD_PRELOAD", program("libpellicle_faulty_calls.so").c_str(), 1);
    setenv("PELLICLE_FAULTY_CALLS", kFile, 1);
    lab.start_agent(node);
    unsetenv("LD_PRELOAD");
    unsetenv("PELLICLE_FAULTY_CALLS");
  }
  void begin(FaultyCall call, int error) {
    write_file(kFile, std::to_string(int(call)) + " " + std::to_string(error) + " 1\n");
  }
  void end() { std::filesystem::remove(kFile); }

 private:
  static constexpr const char* kFile = "/run/lab/faulty-calls";
};

void add_pods(Lab& lab) {
  lab.add_pod("worker", "net", "10.0.1.52");
  lab.add_pod("worker2", "cni-fcnh6", kRemote);
}

// Pings from worker's pod to worker2's, for the lifetime of the process object.
Process pings(Lab& lab) {
  return {{"ping", "-q", "-i", "0.05", kRemote}, lab.log_dir() + "/pings.log", "net"};
}

bool says(Lab& lab, const std::string& sentence, Seconds limit = 30s) {
  return wait_until(
      [&] { return lab.agent("worker").ask("status").dump().find(sentence) != std::string::npos; },
      limit);
}

bool whole(Lab& lab, const std::string& address = kRemote) {
  return wait_until(
      [&] {
        return lab.agent("worker").ask("diff")["operations"].empty() &&
               sh_in("net", "ping -c 1 -W 1 " + address).ok();
      },
      60s);
}

uint64_t dropped_for_no_key(Lab& lab) {
  return lab.agent("worker").ask("status")["drops"]["no_key"]["packets"].get<uint64_t>();
}

void check_no_cleartext(Lab& lab) {
  const auto cleartext = lab.cleartext();
  if (!cleartext.empty()) UNSCOPED_INFO(cleartext.front().text());
  CHECK(cleartext.empty());
}

}  // namespace

namespace {

constexpr const char* kRefused =
    "write peer 10.0.3.0/24: Cannot allocate memory; until it is there, what pods send to that "
    "network is encrypted by the policy alone (pair keys), or dropped and counted as no_key (one "
    "key for all nodes)";

}  // namespace

TEST_CASE("what is for a peer whose entry the kernel refuses is encrypted all the same") {
  Lab lab;
  Faulty faulty(lab, "worker");
  lab.start_agents();
  add_pods(lab);
  REQUIRE(whole(lab));

  faulty.begin(FaultyCall::store_peer, ENOMEM);
  lab.add_node(fourth_node());
  lab.start_agent("worker3");
  lab.add_pod("worker3", "far", "10.0.3.7");
  REQUIRE(says(lab, kRefused));
  CHECK(wait_until([&] { return lab.ping("net", "10.0.3.7").ok(); }));
  CHECK(lab.ping("far", "10.0.1.52", 5).ok());
  const Result status = lab.agent("worker").ctl("status");
  CHECK(status.status == 1);
  CHECK_THAT(status.output, Contains("3/3 encrypted\n"));
  faulty.end();
  CHECK(wait_until([&] { return lab.agent("worker").ctl("status").ok(); }, 60s));
  check_no_cleartext(lab);
}

TEST_CASE("one key: what is for a peer whose entry the kernel refuses is dropped and named") {
  Lab lab({.key_line = api::kSeedKeyLine});
  Faulty faulty(lab, "worker");
  lab.start_agents();
  add_pods(lab);
  REQUIRE(whole(lab));

  faulty.begin(FaultyCall::store_peer, ENOMEM);
  lab.add_node(fourth_node());
  lab.start_agent("worker3");
  lab.add_pod("worker3", "far", "10.0.3.7");
  REQUIRE(says(lab, kRefused));
  CHECK_THAT(must_in("worker", "ip route get 10.0.3.7"), Contains("via 172.18.0.5 dev eth0"));
  const uint64_t before = dropped_for_no_key(lab);
  CHECK_FALSE(lab.ping("net", "10.0.3.7", 5).ok());
  CHECK_FALSE(lab.ping("far", "10.0.1.52", 5).ok());  // requests arrive, the answers are dropped
  CHECK(dropped_for_no_key(lab) == before + 10);
  CHECK(lab.ping("net", kRemote).ok());
  const auto& agent = lab.agent("worker");
  const Result status = agent.ctl("status");
  CHECK(status.status == 1);
  CHECK_THAT(status.output, Contains("2/3 encrypted\n  worker3                10.0.3.0/24     "
                                     "refused by the kernel, see below\n"));

  faulty.end();
  REQUIRE(whole(lab, "10.0.3.7"));
  CHECK(wait_until([&] { return agent.ctl("status").ok(); }, 60s));
  check_no_cleartext(lab);
}

TEST_CASE("an uplink that goes down, is renamed, changes its MTU or is another one is followed") {
  Lab lab({.agent_config = "resync-seconds = 3600\n"});
  must_in("worker", "sysctl -qw net.ipv4.conf.eth0.rp_filter=2");
  lab.start_agents();
  add_pods(lab);
  REQUIRE(whole(lab));
  const Process traffic = pings(lab);
  const auto uplink = [&] { return lab.agent("worker").ask("status")["node"]["uplink"]; };
  const auto change = [&](const std::string& command) {
    CAPTURE(command);
    // The node's default route belongs to whatever configures the node, not to the agent.
    must_in("worker", command + " && ip route replace default via 172.18.0.1");
    CHECK(whole(lab));
    check_no_cleartext(lab);
  };
  change("ip link set eth0 down && ip link set eth0 up");
  change("ip link set eth0 down && ip link set eth0 name wan0 && ip link set wan0 up");
  CHECK(uplink()["name"] == "wan0");
  change("ip link set wan0 mtu 1400");
  CHECK(uplink()["mtu"] == 1400);
  must("ip link add port99 type veth peer name wan1 address " +
       docker_mac(lab.network().node("worker").address) +
       " netns worker && ip link set port99 master kind up");
  change(
      "ip link set wan0 down && ip addr del 172.18.0.3/16 dev wan0 && ip link set wan1 up && "
      "ip addr add 172.18.0.3/16 brd + dev wan1");
  CHECK(uplink()["name"] == "wan1");
  CHECK(must_in("worker", "tc filter show dev wan0 ingress; tc filter show dev wan0 egress") == "");
  CHECK(must_in("worker", "sysctl -n net.ipv4.conf.wan0.rp_filter") == "2\n");
  CHECK(lab.agent("worker").ctl("status").ok());

  lab.agent("worker").stop();
  CHECK(lab.agent("worker").cleanup().ok());
  CHECK(lab.agent("worker").cleanup().output == "nothing of Pellicle's is on this node\n");
}

TEST_CASE("somebody who undoes every repair is named, and nothing is in the clear meanwhile") {
  Lab lab;
  lab.start_agents();
  add_pods(lab);
  REQUIRE(whole(lab));
  auto sending = pings(lab);
  {
    const Process undoing({"sh", "-c", "while :; do ip xfrm policy flush; sleep 0.5; done"},
                          lab.log_dir() + "/undoing.log", "worker");
    CHECK(says(lab, "somebody else on this node undoes what is programmed: 'add policy "));
  }
  CHECK(whole(lab));
  const auto event = [&] {
    const auto events = lab.api().list("events");
    return std::any_of(events.begin(), events.end(), [](const auto& each) {
      return each["reason"] == "KernelContested" && each["involvedObject"]["name"] == "worker";
    });
  };
  CHECK(wait_until(event));
  CHECK(lab.agent("worker2").ask("status").dump().find("undoes") == std::string::npos);
  sending.signal(SIGINT);
  check_no_cleartext(lab);
}

TEST_CASE("somebody who takes away the states again and again is named, whatever their SPI") {
  Lab lab;
  lab.start_agents();
  const auto flush = [&] {
    must_in("worker", "ip xfrm state flush");
    REQUIRE(wait_until([&] { return lab.agent("worker").ask("diff")["operations"].empty(); }));
    REQUIRE(wait_until([&] { return lab.agent("worker").ctl("status").ok(); }));
  };
  for (size_t i = 1; i < Repairs::kMany; ++i) flush();
  CHECK_FALSE(says(lab, "somebody else on this node", 2s));
  must_in("worker", "ip xfrm state flush");
  CHECK(says(lab, "somebody else on this node undoes what is programmed: 'add state "));
}

TEST_CASE("a full table of connections is named, and nothing leaves in the clear meanwhile") {
  Lab lab({.agent_config = "resync-seconds = 1\n"});
  lab.start_agents();
  add_pods(lab);
  // A node tracks connections only if a rule needs it, like kube-proxy's.
  for (const auto* node : {"worker", "worker2"}) {
    must_in(node, iptables() + " -A FORWARD -m conntrack --ctstate INVALID -j DROP");
  }
  REQUIRE(whole(lab));

  // The limit applies to all network namespaces of the kernel, and each has more than one
  // connection.
  const std::string limit = "/proc/sys/net/netfilter/nf_conntrack_max";
  must("cat " + limit + " > /run/lab/usual && echo 1 > " + limit);
  CHECK(says(lab, "the table of connections is full (net.netfilter.nf_conntrack_max is 1)"));
  CHECK(lab.agent("worker").ctl("status").status == 1);
  int lost = 0;
  for (int i = 0; i < 5; ++i) lost += lab.ping("net", kRemote).ok() ? 0 : 1;
  CHECK(lost > 2);  // sometimes the kernel evicts another connection to make room

  must("cat /run/lab/usual > " + limit);
  CHECK(whole(lab));
  CHECK(wait_until([&] { return lab.agent("worker").ctl("status").ok(); }, 60s));
  check_no_cleartext(lab);
}

}  // namespace this_file
