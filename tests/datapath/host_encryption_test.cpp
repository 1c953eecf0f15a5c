// With host encryption no traffic of a pod is in the clear between nodes, including traffic to
// another node's own address and traffic that NAT gave a node's address. Traffic between two nodes
// themselves is unchanged.
#include <algorithm>
#include <list>

#include "tests/datapath/tcp_talk.h"
#include "tests/harness/catch.h"
#include "tests/harness/lab/kube_proxy/kube_proxy.h"
#include "tests/harness/lab/seed_pods.h"
#include "tests/harness/lab/traffic.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;

namespace {

const std::string kMasquerading = "ipv4-native-routing-cidr = \"10.0.0.0/8\"\n";
const std::string kOn = "host-encryption = true\n";
const std::string kOutside;  // the guest's root namespace, 172.18.0.1

void check_nothing_in_the_clear(Lab& lab) {
  const auto clear = lab.network().unencrypted();
  for (size_t i = 0; i < clear.size() && i < 3; ++i) UNSCOPED_INFO(clear[i].text());
  CHECK(clear.empty());
  CHECK(lab.files_with_the_key().empty());
}

void check_page(Lab& lab, const std::string& from, const std::string& url,
                const std::string& page) {
  CAPTURE(from, url);
  CHECK(lab.http_get(from, url).output == page);
}

// Between pods and nodes in both directions, by ping, TCP and large datagrams.
void check_pods_and_nodes(Lab& lab) {
  for (const SeedPod& pod : kSeedPods) {
    for (const NodeSpec& node : lab.network().nodes()) {
      CAPTURE(pod.name, node.name);
      const std::string address = node.address.to_string();
      check_page(lab, pod.name, "http://" + address + ":8080/", node.name + "\n");
      check_page(lab, node.name, std::string("http://") + pod.address + "/", pod.page());
      CHECK(lab.ping(pod.name, address).ok());
      CHECK(sh_in(pod.name, "ping -c 1 -W 2 -s 4000 " + address).ok());
      CHECK(sh_in(node.name, std::string("ping -c 1 -W 2 -s 4000 ") + pod.address).ok());
    }
  }
}

// Every agent encrypts to both of the other nodes, in each family.
bool all_accept(Lab& lab) {
  const auto& nodes = lab.network().nodes();
  return std::all_of(nodes.begin(), nodes.end(), [&](const NodeSpec& node) {
    const std::string addresses = node.ipv6 ? "4/4" : "2/2";
    return lab.agent(node.name).says().find(addresses + " addresses of other nodes") !=
           std::string::npos;
  });
}

void check_all_is_esp(const std::string& config) {
  Lab lab({.agent_config = config + kOn});
  lab.start_agents();
  add_seed_pods(lab);
  REQUIRE(wait_until([&] { return all_accept(lab); }));
  lab.serve_http_on_nodes(8080);
  check_pods_and_nodes(lab);
  check_nothing_in_the_clear(lab);
  CHECK(lab.agent("worker").ask("diff")["operations"].empty());

  // Traffic between the nodes themselves stays in the clear.
  check_page(lab, "worker", "http://172.18.0.4:8080/", "worker2\n");
  CHECK_FALSE(lab.network().unencrypted().empty());
  CHECK(lab.cleartext().empty());
}

std::string node_port(const NodeSpec& node) {
  return "http://" + node.address.to_string() + ":" + std::to_string(kNodePort) + "/";
}

// Both back ends of the Service answer eventually.
void check_service(Lab& lab, const std::string& from, const std::string& url) {
  CAPTURE(from, url);
  std::set<std::string> pages;
  for (int i = 0; i < 40 && pages.size() < 2; ++i) pages.insert(lab.http_get(from, url).output);
  CHECK(pages == std::set{kSeedPods[1].page(), kSeedPods[2].page()});
}

}  // namespace

TEST_CASE("with host encryption pods and nodes reach each other, and all of it is ESP") {
  check_all_is_esp(kMasquerading);
}

TEST_CASE("the same without masquerading: nodes see the pods' own addresses") {
  check_all_is_esp("");
}

TEST_CASE("with host encryption a NodePort's connections are ESP between nodes, both ways") {
  Lab lab({.agent_config = kMasquerading + kOn});
  install_service(lab.network());
  lab.start_agents();
  add_seed_pods(lab);
  REQUIRE(wait_until([&] { return all_accept(lab); }));
  for (const NodeSpec& node : lab.network().nodes()) {
    check_service(lab, kOutside, node_port(node));
    check_service(lab, node.name, node_port(node));  // its own NodePort
    for (const SeedPod& pod : kSeedPods) check_service(lab, pod.name, node_port(node));
    check_service(lab, node.name, std::string("http://") + kServiceAddress + "/");
  }
  check_nothing_in_the_clear(lab);
}

TEST_CASE("a pod's masqueraded packets are known with its program alone, and with the rule alone") {
  Lab lab({.agent_config = kMasquerading + kOn + "resync-seconds = 3600\n"});
  lab.start_agents();
  add_seed_pods(lab);
  lab.serve_http_on_nodes(8080);
  REQUIRE(wait_until([&] { return all_accept(lab); }));
  const std::vector<std::string> breakages = {
      iptables() + " -t mangle -F && " + iptables() + " -t mangle -X",
      // The situation of a pod with shaped egress.
      "for lxc in $(ip -o link | grep -o 'lxc[0-9a-f]*' | sort -u); do "
      "tc filter del dev $lxc ingress || exit 1; done"};
  for (const auto& breakage : breakages) {
    CAPTURE(breakage);
    lab.agent("worker").stop();
    must_in("worker", breakage);
    check_page(lab, "net", "http://172.18.0.4:8080/", "worker2\n");
    check_page(lab, "worker", "http://10.0.0.249/", kSeedPods[2].page());
    check_nothing_in_the_clear(lab);
    lab.start_agent("worker");
    CHECK(lab.agent("worker").ask("diff")["operations"].empty());
    check_page(lab, "cni-fcnh6", "http://172.18.0.3:8080/", "worker\n");
    check_nothing_in_the_clear(lab);
  }
}

TEST_CASE("host encryption is switched on and off, node by node, under connections that last") {
  Lab lab({.agent_config = kMasquerading});
  install_service(lab.network());
  lab.start_agents();
  for (const SeedPod& pod : kSeedPods) lab.add_pod(pod.node, pod.name, pod.address);
  const EchoServer pod("cni-fcnh6", 80);
  const EchoServer other_pod("cni-s22px", 80);
  const EchoServer node("worker2", 8080);
  const EchoServer control_plane("control-plane", 6443);

  std::list<TcpTalk> talks;
  talks.emplace_back("net", "172.18.0.4", 8080);       // a pod to a node, masqueraded
  talks.emplace_back("worker", "10.0.0.249", 80);      // a node to a pod
  talks.emplace_back("net", "172.18.0.2", kNodePort);  // through another node's NodePort
  talks.emplace_back(kOutside, "172.18.0.2", kNodePort);
  talks.emplace_back("worker", "172.18.0.2", 6443);  // like an agent and its API server
  talks.emplace_back("worker2", "172.18.0.2", 6443);
  PingStream to_node("net", "172.18.0.4");
  PingStream to_pod("control-plane", "10.0.0.249");
  const auto all_go_on = [&] {
    for (const TcpTalk& talk : talks) {
      CAPTURE(talk.name());
      CHECK(talk.goes_on());
    }
    CHECK(to_node.goes_on());
    CHECK(to_pod.goes_on());
  };
  const auto clear_of_pods = [&] {
    auto packets = lab.network().unencrypted();
    std::erase_if(packets, [](const Packet& packet) {  // port 6443: between nodes
      constexpr size_t kPorts = 14 + 20;
      const auto port = [&](size_t at) {
        return static_cast<uint8_t>(packet.frame[at]) << 8 |
               static_cast<uint8_t>(packet.frame[at + 1]);
      };
      return packet.protocol == 6 && (port(kPorts) == 6443 || port(kPorts + 2) == 6443);
    });
    return packets.size();
  };

  all_go_on();
  CHECK(clear_of_pods() > 0);
  for (const std::string& switched : {kOn, std::string()}) {
    CAPTURE(switched);
    for (const NodeSpec& each : lab.network().nodes()) {
      lab.agent(each.name).stop();
      lab.agent(each.name).start(kMasquerading + switched);
      REQUIRE(lab.agent(each.name).wait_ready());
      all_go_on();
    }
    if (switched.empty()) continue;
    REQUIRE(wait_until([&] { return all_accept(lab); }));
    all_go_on();
    const size_t before = clear_of_pods();
    const size_t with_nodes = lab.network().unencrypted().size();
    all_go_on();
    CHECK(clear_of_pods() == before);
    CHECK(lab.network().unencrypted().size() > with_nodes);  // traffic between nodes is unchanged
  }
  const size_t before = clear_of_pods();
  all_go_on();
  CHECK(clear_of_pods() > before);
  std::string dropped;  // where lost packets were dropped
  for (const NodeSpec& each : lab.network().nodes()) {
    dropped += each.name + ": " + lab.agent(each.name).ask("status")["drops"].dump() + "\n" +
               must_in(each.name, "awk '$2 > 0' /proc/net/xfrm_stat");
  }
  CAPTURE(dropped);
  CHECK(to_node.end() == "");
  CHECK(to_pod.end() == "");
  CHECK(lab.cleartext().empty());
  CHECK(lab.files_with_the_key().empty());
}

TEST_CASE("with host encryption IPv6 pods and nodes reach each other, and all of it is ESP") {
  Lab lab({.nodes = dual_stack_nodes(), .agent_config = kMasquerading + kOn});
  lab.start_agents();
  lab.add_pod("worker", "net", std::vector<std::string>{"10.0.1.52", "fd00:10:1::34"});
  lab.add_pod("worker2", "cni-fcnh6", std::vector<std::string>{"10.0.0.249", "fd00:10::f9"});
  for (const char* pod : {"net", "cni-fcnh6"}) lab.serve_http(pod);
  REQUIRE(wait_until([&] { return all_accept(lab); }));
  for (const char* from : {"worker", "control-plane"}) {
    CAPTURE(from);
    CHECK(lab.ping(from, "fd00:10::f9").ok());
    CHECK(lab.http_get(from, "http://[fd00:10::f9]/").ok());
  }
  CHECK(lab.ping("net", "fd00:172::4").ok());
  CHECK(lab.ping("net", "fd00:172::2").ok());
  CHECK(lab.ping("net", "172.18.0.4").ok());
  // The node's first answer is too large for the tunnel and the node learns the path MTU; the next
  // answer fits.
  CHECK(sh_in("net", "ping -6 -c 3 -i 0.3 -W 2 -s 4000 fd00:172::4").ok());
  check_nothing_in_the_clear(lab);
}

}  // namespace this_file
