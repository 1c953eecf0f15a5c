// Pods and the world beyond the cluster, here the guest's root namespace at 172.18.0.1; nodes and
// pods; and a host that forwards nothing by default.
#include <filesystem>
#include <map>

#include "tests/harness/catch.h"
#include "tests/harness/lab/seed_pods.h"

using namespace pellicle;
using namespace pellicle::lab;

namespace {

constexpr const char* kMasquerading = "ipv4-native-routing-cidr = \"10.0.0.0/8\"\n";
constexpr const char* kOutside = "172.18.0.1";

// A web server there, which answers with the address that its client has for it.
Process serve_outside(Lab& lab) {
  const std::string script = "/run/lab/www/outside/cgi-bin/client";
  std::filesystem::create_directories("/run/lab/www/outside/cgi-bin");
  write_file(script,
             "#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\n'\necho \"$REMOTE_ADDR\"\n");
  std::filesystem::permissions(script, std::filesystem::perms::all);
  Process server(
      {"busybox", "httpd", "-f", "-p", std::string(kOutside) + ":80", "-h", "/run/lab/www/outside"},
      lab.log_dir() + "/outside-httpd.log");
  const bool serves = wait_until(
      [] { return sh(std::string("curl --silent http://") + kOutside + "/cgi-bin/client").ok(); });
  if (!serves) throw LabError("no HTTP server outside: " + server.output());
  return server;
}

// The way back to pods, which nothing outside has of itself.
void add_routes_outside(Lab& lab) {
  for (const NodeSpec& node : lab.network().nodes()) {
    must("ip route add " + node.pod_cidr.to_string() + " via " + node.address.to_string());
  }
}

// Whom the server outside sees when this one asks; curl's words when it has no answer.
std::string seen_outside(const std::string& from) {
  const Result asked = sh_in(from, std::string("curl --silent --show-error --max-time 2 http://") +
                                       kOutside + "/cgi-bin/client");
  return asked.ok() ? asked.output.substr(0, asked.output.find('\n')) : asked.output;
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
  return must_in(node, "iptables-legacy -S");
}

}  // namespace

TEST_CASE("the outside sees the node's address in place of a pod's, which its peers still see") {
  Lab lab({.agent_config = kMasquerading});
  lab.start_agents();
  add_seed_pods(lab);
  const Process server = serve_outside(lab);
  for (const SeedPod& pod : kSeedPods) {
    CAPTURE(pod.name);
    CHECK(seen_outside(pod.name) == node_address(lab, pod));
    CHECK(answers(pod.name, kOutside));
  }
  check_pods_reach_one_another(lab);
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
  // Without the rules there is no answer: nobody outside knows a way to pods.
  lab.agent("worker").stop();
  must_in("worker", "iptables-legacy -t nat -F && iptables-legacy -t nat -X");
  CHECK(seen_outside("net").find("172.18.0.3") == std::string::npos);
  lab.start_agent("worker");
  CHECK(wait_until([] { return seen_outside("net") == "172.18.0.3"; }));

  must_in("worker", "iptables-legacy -t nat -F && iptables-legacy -t nat -X");
  CHECK(wait_until([] { return seen_outside("net") == "172.18.0.3"; }, 20s));
  CHECK(lab.agent("worker").ask("diff")["operations"].empty());
  check_no_cleartext(lab);
}

TEST_CASE("a host that drops what it is to forward still forwards for pods, until the cleanup") {
  Lab lab({.agent_config = kMasquerading});
  std::map<std::string, std::string> before;
  for (const NodeSpec& node : lab.network().nodes()) {
    must_in(node.name, "iptables-legacy -P FORWARD DROP");
    before[node.name] = filter_rules(node.name);
  }
  lab.start_agents();
  add_seed_pods(lab);
  const Process server = serve_outside(lab);
  check_pods_reach_one_another(lab);
  for (const SeedPod& pod : kSeedPods) CHECK(seen_outside(pod.name) == node_address(lab, pod));

  // That it would be dropped without our rules, and is not for long.
  lab.agent("worker").stop();
  must_in("worker", "iptables-legacy -D FORWARD -j PELLICLE_FORWARD");
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
    CHECK(must_in(node.name, "iptables-legacy-save").find("PELLICLE") == std::string::npos);
  }
}

TEST_CASE("a node reaches the pods of all nodes, from its own address and from cilium_host's") {
  Lab lab({.agent_config = kMasquerading});
  for (const NodeSpec& node : lab.network().nodes()) {
    must_in(node.name, "iptables-legacy -P FORWARD DROP");
  }
  lab.start_agents();
  add_seed_pods(lab);
  for (const NodeSpec& node : lab.network().nodes()) {
    for (const SeedPod& pod : kSeedPods) {
      check_reaches(lab, node.name, pod);
      CAPTURE(node.name, pod.name);
      const std::string from = " --interface " + node.router.to_string();
      CHECK(sh_in(node.name,
                  "curl --silent --max-time 5 http://" + std::string(pod.address) + "/" + from)
                .output == pod.page());
    }
  }
  check_no_cleartext(lab);
}
