// Never in the clear: pods keep talking while a test removes parts of the datapath. Their packets
// are encrypted or dropped; a running agent repairs the datapath within seconds.
#include "tests/harness/catch.h"
#include "tests/harness/lab/seed_pods.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;

namespace {

constexpr const char* kService = "10.96.169.246";
constexpr const char* kServiceIpv6 = "fd00:10:96::a9f6";

// Damage to worker's kernel. $LXC is the device of its pod.
struct Breakage {
  const char* what;
  const char* command;
  bool answers = false;  // must pings be answered with this damage and no agent?
};

constexpr Breakage kBreakages[] = {
    {"the lxc program is detached", "tc filter del dev $LXC ingress", true},
    {"the policy of one peer is deleted",
     "ip xfrm policy delete src 10.0.1.0/24 dst 10.0.0.0/24 dir out"},
    {"the states are flushed", "ip xfrm state flush"},
    {"the policies are flushed, the block policy too", "ip xfrm policy flush"},
    {"table 200 is flushed", "ip route flush table 200"},
    {"the rules are deleted", "ip rule del priority 1 && ip rule del priority 1"},
    {"cilium_host is down", "ip link set cilium_host down"},
    {"the routes of the main table to pods are deleted",
     "ip route del 10.0.1.0/24 && ip route del 10.0.0.0/24"},
    {"the policies are flushed and marked packets are not steered",
     "ip xfrm policy flush && ip rule del priority 1 && ip rule del priority 1"},
    {"all of it",
     "tc filter del dev $LXC ingress && ip xfrm policy flush && ip xfrm state flush && "
     "ip route flush table 200 && ip rule del priority 1 && ip rule del priority 1"},
};

std::string lxc_of_worker() {
  std::string name = must_in("worker", "sed -n 's/^ *\\(lxc[^:]*\\):.*/\\1/p' /proc/net/dev");
  name.pop_back();
  return name;
}

// Three flows between a pod of worker and one of worker2, for the lifetime of this object: pings,
// pings of a Service that worker's kube-proxy directs there, and connections to it.
class Traffic {
 public:
  explicit Traffic(Lab& lab) : lxc_(lxc_of_worker()) {
    must_in("worker", std::string("iptables-legacy -t nat -A PREROUTING -d ") + kService +
                          " -j DNAT --to-destination 10.0.0.249");
    const std::string log = lab.log_dir() + "/traffic.log";
    flows_.emplace_back(std::vector<std::string>{"ping", "-q", "-i", "0.05", "10.0.0.249"}, log,
                        "net");
    flows_.emplace_back(std::vector<std::string>{"ping", "-q", "-i", "0.05", kService}, log, "net");
    flows_.emplace_back(
        std::vector<std::string>{"sh", "-c",
                                 std::string("while :; do curl --silent --max-time 0.5 http://") +
                                     kService + "/; sleep 0.1; done"},
        log, "net");
  }

  // Waits until the pod has sent this many more packets.
  bool goes_on(uint64_t packets = 60) {
    const uint64_t before = sent();
    return wait_until([&] { return sent() >= before + packets; }, 20s);
  }

  void do_to_worker(const Breakage& breakage) const {
    must_in("worker", "LXC=" + lxc_ + "; " + breakage.command);
  }

 private:
  uint64_t sent() const {
    return std::stoull(must_in("worker", "awk '/" + lxc_ + ":/ { print $3 }' /proc/net/dev"));
  }
  std::string lxc_;
  std::vector<Process> flows_;
};

void add_pods(Lab& lab) {
  lab.add_pod("worker", "net", "10.0.1.52");
  lab.add_pod("worker2", "cni-fcnh6", "10.0.0.249");
  lab.serve_http("cni-fcnh6");
}

bool answers(const std::string& address) {
  return sh_in("net", "ping -c 1 -W 1 " + address).ok();
}

bool whole(Lab& lab) {
  return lab.agent("worker").ask("diff")["operations"].empty() && answers("10.0.0.249") &&
         answers(kService);
}

void check_no_cleartext(Lab& lab) {
  const auto cleartext = lab.cleartext();
  if (!cleartext.empty()) UNSCOPED_INFO(cleartext.front().text());
  CHECK(cleartext.empty());
}

uint64_t drops(Lab& lab, const std::string& reason) {
  return lab.agent("worker").ask("status")["drops"][reason]["packets"].get<uint64_t>();
}

size_t packets_to(Lab& lab, const std::string& network) {
  const Cidr cidr = Cidr::parse(network).value();
  size_t count = 0;
  for (const Packet& packet : lab.network().wire()) count += cidr.contains(packet.dst) ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("whatever is taken away under an agent is repaired, and no packet is in the clear") {
  // Without periodic comparisons: the kernel's notifications must trigger the repair.
  Lab lab({.agent_config = "resync-seconds = 3600\n"});
  lab.start_agents();
  add_pods(lab);
  Traffic traffic(lab);
  REQUIRE(wait_until([&] { return whole(lab); }));
  for (const Breakage& breakage : kBreakages) {
    CAPTURE(breakage.what);
    traffic.do_to_worker(breakage);
    CHECK(wait_until([&] { return whole(lab); }));
    check_no_cleartext(lab);
  }
  CHECK(lab.agent("worker").ctl("status").ok());
  CHECK(lab.files_with_the_key().empty());
}

TEST_CASE("whatever is taken away while no agent runs, packets are encrypted or dropped") {
  Lab lab;
  lab.start_agents();
  add_pods(lab);
  Traffic traffic(lab);
  REQUIRE(wait_until([&] { return whole(lab); }));
  for (const Breakage& breakage : kBreakages) {
    CAPTURE(breakage.what);
    lab.agent("worker").stop();
    traffic.do_to_worker(breakage);
    CHECK(traffic.goes_on());
    if (breakage.answers) CHECK((answers("10.0.0.249") && answers(kService)));
    check_no_cleartext(lab);
    lab.start_agent("worker");
    CHECK(wait_until([&] { return whole(lab); }));
  }
  CHECK(drops(lab, "unencrypted") > 0);  // the program counted them without an agent
  check_no_cleartext(lab);
  CHECK(lab.files_with_the_key().empty());
}

TEST_CASE("packets for the pods of a Node that is not ready are dropped and counted") {
  Lab lab({.key_line = api::kSeedKeyLine});
  const auto publish = [&](const api::Json& address) {
    lab.api().patch(
        api::node_key("control-plane"),
        {{"metadata", {{"annotations", {{"network.cilium.io/ipv4-cilium-host", address}}}}}});
  };
  publish(nullptr);
  lab.start_agent("worker");
  lab.start_agent("worker2");
  add_pods(lab);
  REQUIRE(wait_until([&] { return answers("10.0.0.249"); }));
  const uint64_t before = drops(lab, "no_key");
  CHECK_FALSE(lab.ping("net", "10.0.2.77", 5).ok());
  CHECK(drops(lab, "no_key") == before + 5);
  CHECK(packets_to(lab, "10.0.2.0/24") == 0);
  const Result status = lab.agent("worker").ctl("status");
  CAPTURE(status.output);
  CHECK(status.status == 1);
  CHECK(status.output.find("1/2 encrypted") != std::string::npos);
  CHECK(status.output.find("10.0.2.0/24     dropped: not ready") != std::string::npos);
  CHECK(status.output.find("Node control-plane") != std::string::npos);
  CHECK(status.output.find(std::to_string(before + 5) + " no_key") != std::string::npos);

  // Once the address is known, packets are sent before the Node itself is ready to deliver them:
  // what it decrypts meanwhile must not take the default route.
  publish("10.0.2.52");
  Process early({"ping", "-q", "-i", "0.01", "10.0.2.77"}, lab.log_dir() + "/early.log", "net");
  REQUIRE(wait_until([&] { return packets_to(lab, "10.0.2.52/32") > 0; }));
  lab.start_agent("control-plane");
  lab.add_pod("control-plane", "cni-cp", "10.0.2.77");
  CHECK(wait_until([&] { return answers("10.0.2.77"); }));
  CHECK(wait_until([&] { return lab.agent("worker").ctl("status").ok(); }));
  check_no_cleartext(lab);
  CHECK(lab.files_with_the_key().empty());
}

TEST_CASE("with strict CIDRs packets to pod networks of no Node are blocked and counted") {
  Lab lab(
      {.nodes = dual_stack_nodes(), .agent_config = "strict-cidr = \"10.0.0.0/8,fd00:10::/32\"\n"});
  lab.start_agents();
  add_seed_pods(lab);
  REQUIRE(wait_until([&] { return answers("10.0.0.249") && answers("fd00:10::f9"); }));
  // The pod's node and another one, by their addresses within the pods' networks.
  for (const char* router : {"10.0.1.138", "10.0.0.40", "fd00:10:1::8a", "fd00:10::28"}) {
    CAPTURE(router);
    CHECK(answers(router));
  }
  for (const auto& [nobody, network] :
       {std::pair{"10.0.7.9", "10.0.7.0/24"}, {"fd00:10:7::9", "fd00:10:7::/64"}}) {
    CAPTURE(nobody);
    const uint64_t before = drops(lab, "blocked");
    CHECK_FALSE(lab.ping("net", nobody, 5).ok());
    CHECK(drops(lab, "blocked") == before + 5);
    CHECK(packets_to(lab, network) == 0);
  }
  // No host has these either, but they lie outside the strict CIDRs, so packets leave.
  for (const auto& [outside, network] :
       {std::pair{"192.0.2.1", "192.0.2.0/24"}, {"2001:db8::1", "2001:db8::/64"}}) {
    CAPTURE(outside);
    CHECK_FALSE(answers(outside));
    CHECK(packets_to(lab, network) > 0);
  }
  // A Service's address inside the strict CIDR belongs to no Node only until kube-proxy rewrites
  // the packet.
  must_in("worker", std::string("iptables-legacy -t nat -A PREROUTING -d ") + kService +
                        " -j DNAT --to-destination 10.0.0.249");
  must_in("worker", std::string("ip6tables-legacy -t nat -A PREROUTING -d ") + kServiceIpv6 +
                        " -j DNAT --to-destination fd00:10::f9");
  CHECK(answers(kService));
  CHECK(answers(kServiceIpv6));
  CHECK(lab.http_get("net", std::string("http://") + kService + "/").ok());
  check_no_cleartext(lab);
  CHECK(lab.files_with_the_key().empty());
}

}  // namespace this_file
