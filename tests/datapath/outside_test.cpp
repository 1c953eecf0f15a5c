// Pods and hosts outside the cluster, here the guest's root namespace at 172.18.0.1; nodes and
// pods; and a host that forwards nothing by default.
#include <map>

#include "tests/harness/catch.h"
#include "tests/harness/lab/seed_pods.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;

namespace {

constexpr const char* kMasquerading = "ipv4-native-routing-cidr = \"10.0.0.0/8\"\n";
constexpr const char* kMasqueradingIpv6 = "ipv6-native-routing-cidr = \"fd00:10::/32\"\n";
constexpr const char* kOutside = "172.18.0.1";
constexpr const char* kOutsideIpv6 = "fd00:172::1";

// A web server outside; see add_client_page().
Process serve_outside(Lab& lab) {
  add_client_page("outside");
  Process server({"busybox", "httpd", "-f", "-p", "80", "-h", "/run/lab/www/outside"},
                 lab.log_dir() + "/outside-httpd.log");
  const std::string page = http_url(kOutside) + "cgi-bin/client";
  if (!wait_until([&] { return lab.http_get("", page).ok(); })) {
    throw LabError("no HTTP server outside: " + server.output());
  }
  return server;
}

// Routes back to pods, which no outside host has by default.
void add_routes_outside(Lab& lab) {
  for (const NodeSpec& node : lab.network().nodes()) {
    must("ip route add " + node.pod_cidr.to_string() + " via " + node.address.to_string());
  }
}

// The client address that the outside server sees; curl's message if there is no answer.
std::string seen_outside(const std::string& from, const std::string& outside = kOutside) {
  const Result asked = sh_in(from, "curl --silent --show-error --max-time 2 " +
                                       shell_word(http_url(outside) + "cgi-bin/client"));
  return asked.output.substr(0, asked.output.find('\n'));
}

std::string node_address(Lab& lab, const SeedPod& pod) {
  return lab.network().node(pod.node).address.to_string();
}

bool answers(const std::string& from, const std::string& address) {
  return sh_in(from, "ping -c 1 -W 1 " + address).ok();
}

void check_reaches(Lab& lab, const std::string& from, const SeedPod& to) {
  CAPTURE(from, to.name);
  CHECK(answers(from, to.address));
  CHECK(lab.http_get(from, std::string("http://") + to.address + "/").output == to.page());
}

void check_pods_reach_one_another(Lab& lab) {
  for (const SeedPod& from : kSeedPods) {
    for (const SeedPod& to : kSeedPods) {
      if (from.name != to.name) check_reaches(lab, from.name, to);
    }
  }
}

void check_no_cleartext(Lab& lab) {
  const auto cleartext = lab.cleartext();
  if (!cleartext.empty()) UNSCOPED_INFO(cleartext.front().text());
  CHECK(cleartext.empty());
  CHECK(lab.files_with_the_key().empty());
}

void check_own_addresses_outside(Lab& lab) {
  lab.start_agents();
  add_seed_pods(lab);
  const Process server = serve_outside(lab);
  add_routes_outside(lab);
  for (const SeedPod& pod : kSeedPods) CHECK(seen_outside(pod.name) == pod.address);
  check_no_cleartext(lab);
}

std::string filter_rules(const std::string& node) {
  return must_in(node, iptables() + " -S");
}

}  // namespace

TEST_CASE("the outside sees the node's address in place of a pod's, which its peers still see") {
  Lab lab({.nodes = dual_stack_nodes(),
           .agent_config = std::string(kMasquerading) + kMasqueradingIpv6});
  lab.start_agents();
  add_seed_pods(lab);
  const Process server = serve_outside(lab);
  for (const SeedPod& pod : kSeedPods) {
    CAPTURE(pod.name);
    CHECK(seen_outside(pod.name) == node_address(lab, pod));
    CHECK(seen_outside(pod.name, kOutsideIpv6) ==
          lab.network().node(pod.node).ipv6->address.to_string());
    CHECK(answers(pod.name, kOutside));
    CHECK(answers(pod.name, kOutsideIpv6));
  }
  check_pods_reach_one_another(lab);
  add_client_page("cni-fcnh6");
  CHECK(lab.http_get("net", http_url("10.0.0.249") + "cgi-bin/client").output == "10.0.1.52\n");
  CHECK(lab.http_get("net", http_url("fd00:10::f9") + "cgi-bin/client").output ==
        "fd00:10:1::34\n");
  check_no_cleartext(lab);
}

TEST_CASE("a network excepted from masquerading sees the pods' own addresses") {
  Lab lab(
      {.agent_config = std::string(kMasquerading) + "masquerade-exceptions = \"172.18.0.1/32\"\n"});
  check_own_addresses_outside(lab);
}

TEST_CASE("without a native network nothing is masqueraded") {
  Lab lab;
  check_own_addresses_outside(lab);
}

TEST_CASE("masquerading that somebody flushed is repaired") {
  Lab lab({.agent_config = std::string(kMasquerading) + "resync-seconds = 2\n"});
  lab.start_agents();
  add_seed_pods(lab);
  const Process server = serve_outside(lab);
  REQUIRE(seen_outside("net") == "172.18.0.3");
  // Without the rules there is no answer: outside hosts have no route to pods.
  lab.agent("worker").stop();
  must_in("worker", iptables() + " -t nat -F && " + iptables() + " -t nat -X");
  CHECK(seen_outside("net").find("172.18.0.3") == std::string::npos);
  lab.start_agent("worker");
  CHECK(wait_until([] { return seen_outside("net") == "172.18.0.3"; }));

  must_in("worker", iptables() + " -t nat -F && " + iptables() + " -t nat -X");
  CHECK(wait_until([] { return seen_outside("net") == "172.18.0.3"; }, 20s));
  CHECK(lab.agent("worker").ask("diff")["operations"].empty());
  check_no_cleartext(lab);
}

TEST_CASE("a host that drops what it is to forward still forwards for pods, until the cleanup") {
  Lab lab({.agent_config = kMasquerading});
  std::map<std::string, std::string> before;
  for (const NodeSpec& node : lab.network().nodes()) {
    must_in(node.name, iptables() + " -P FORWARD DROP");
    before[node.name] = filter_rules(node.name);
  }
  lab.start_agents();
  add_seed_pods(lab);
  const Process server = serve_outside(lab);
  check_pods_reach_one_another(lab);
  for (const SeedPod& pod : kSeedPods) CHECK(seen_outside(pod.name) == node_address(lab, pod));

  // Without Pellicle's rules the packets are dropped; the agent soon restores the rules.
  lab.agent("worker").stop();
  must_in("worker", iptables() + " -D FORWARD -j PELLICLE_FORWARD");
  CHECK_FALSE(answers("net", "10.0.0.249"));
  CHECK_FALSE(answers("net", kOutside));
  lab.start_agent("worker");
  CHECK(wait_until([] { return answers("net", "10.0.0.249") && answers("net", kOutside); }));
  check_no_cleartext(lab);

  for (const NodeSpec& node : lab.network().nodes()) {
    lab.agent(node.name).stop();
    const Result cleanup = lab.agent(node.name).cleanup();
    CAPTURE(node.name, cleanup.output);
    CHECK(cleanup.ok());
    CHECK(filter_rules(node.name) == before.at(node.name));
    CHECK(must_in(node.name, iptables() + "-save").find("PELLICLE") == std::string::npos);
  }
}

TEST_CASE("a node reaches the pods of all nodes, from its own address and from cilium_host's") {
  Lab lab({.nodes = dual_stack_nodes(),
           .agent_config = std::string(kMasquerading) + kMasqueradingIpv6});
  for (const NodeSpec& node : lab.network().nodes()) {
    must_in(node.name, iptables() + " -P FORWARD DROP; " + ip6tables() + " -P FORWARD DROP");
  }
  lab.start_agents();
  add_seed_pods(lab);
  for (const NodeSpec& node : lab.network().nodes()) {
    for (const SeedPod& pod : kSeedPods) {
      for (const auto& [address, router] :
           {std::pair{pod.address, node.router}, std::pair{pod.ipv6, node.ipv6->router}}) {
        CAPTURE(node.name, pod.name, address);
        CHECK(answers(node.name, address));
        CHECK(lab.http_get(node.name, http_url(address)).output == pod.page());
        CHECK(sh_in(node.name, "curl --silent --max-time 5 --interface " + router.to_string() +
                                   " " + shell_word(http_url(address)))
                  .output == pod.page());
      }
    }
  }
  check_no_cleartext(lab);
}

}  // namespace this_file
