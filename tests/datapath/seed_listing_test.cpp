// `ip` lists on each node what the seed's listings show, character for character except for keys,
// device indexes and MAC addresses.
#include "tests/datapath/seed_golden.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;
using namespace pellicle::lab::seed;

namespace {

// Compares each text separately, so that a failure shows where the difference is.
void check_same(const KernelPicture& actual, const KernelPicture& wanted) {
  CHECK(actual.rules == wanted.rules);
  CHECK(actual.main_routes == wanted.main_routes);
  CHECK(actual.encrypt_routes == wanted.encrypt_routes);
  CHECK(actual.states == wanted.states);
  CHECK(actual.policies == wanted.policies);
  CHECK(actual.links == wanted.links);
  CHECK(actual.addresses == wanted.addresses);
}

// `ip a` of a pod as the seed prints it, without parts that differ between pods.
std::string pod_addresses(const std::string& pod) {
  std::string text = must_in(pod, "ip -4 addr show dev eth0");
  text = replaced(text, "^\\d+: eth0@if\\d+", "eth0");
  return replaced(text, " link-netns(id)? \\S+", "");
}

std::string annotation(Lab& lab, const std::string& node, const std::string& name) {
  const auto object = lab.api().get(api::node_key(node));
  if (!object) return "no Node";
  const auto& annotations = (*object)["metadata"].value("annotations", api::Json::object());
  return annotations.value("network.cilium.io/" + name, "");
}

// The seed's nodes, each with the first address of its network as router: the agent's choice.
std::vector<NodeSpec> nodes_with_first_addresses() {
  std::vector<NodeSpec> nodes = seed_nodes();
  for (NodeSpec& node : nodes) {
    node.router = IpAddress::v4(node.pod_cidr.address().v4_host_order() + 1);
  }
  return nodes;
}

}  // namespace

TEST_CASE("rules, routes, states, policies and devices of each node equal the seed's listing") {
  Lab lab({.key_line = api::kSeedKeyLine, .agent_config = "pod-mtu = 1423\n"});
  lab.start_agents();
  lab.add_pod("worker", "net", "10.0.1.52");
  lab.add_pod("worker2", "cni-fcnh6", "10.0.0.249");
  lab.add_pod("control-plane", "cni-cp", "10.0.2.77");
  const Network& network = lab.network();
  const std::vector<NodeSpec> nodes{network.node("worker2"), network.node("worker"),
                                    network.node("control-plane")};
  check_same(golden(network.node("worker"), nodes), worker_golden());
  for (const NodeSpec& node : nodes) {
    CAPTURE(node.name);
    check_same(listing(node.name), golden(node, nodes));
    CHECK(lab.agent(node.name).ask("diff")["operations"].empty());
  }

  CHECK(pod_addresses("net") ==
        "eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default "
        "qlen 1000\n"
        "    inet 10.0.1.52/32 scope global eth0\n"
        "       valid_lft forever preferred_lft forever\n");
  CHECK(must_in("net", "ip route") ==
        "default via 10.0.1.138 dev eth0 mtu 1423 \n10.0.1.138 dev eth0 scope link \n");

  // The seed's SYN has mss 1383, which is 1423 minus the headers.
  lab.serve_http("cni-fcnh6");
  Capture& eth0 = lab.capture("net", "eth0", "tcp[tcpflags] & tcp-syn != 0");
  REQUIRE(lab.http_get("net", "http://10.0.0.249/").ok());
  const std::string text = eth0.text();
  CAPTURE(text);
  CHECK(text.find("Flags [S], ") != std::string::npos);
  CHECK(text.find("Flags [S.], ") != std::string::npos);
  CHECK(text.find("options [mss 1383,") != text.rfind("options [mss 1383,"));
  CHECK(lab.cleartext().empty());
  CHECK(lab.files_with_the_key().empty());
}

TEST_CASE("agents of a fresh cluster choose addresses, publish them and the key, and pods talk") {
  Lab lab(
      {.nodes = nodes_with_first_addresses(), .key_line = api::kSeedKeyLine, .published = false});
  for (const NodeSpec& node : lab.network().nodes()) {
    REQUIRE(annotation(lab, node.name, "ipv4-cilium-host").empty());
  }
  lab.start_agents();
  for (const NodeSpec& node : lab.network().nodes()) {
    CAPTURE(node.name);
    CHECK(wait_until([&] { return !annotation(lab, node.name, "ipv4-cilium-host").empty(); }));
    CHECK(annotation(lab, node.name, "ipv4-cilium-host") == node.router.to_string());
    CHECK(annotation(lab, node.name, "ipv4-pod-cidr") == node.pod_cidr.to_string());
    CHECK(annotation(lab, node.name, "encryption-key") == "3");
  }
  lab.add_pod("worker", "net", "10.0.1.52");
  lab.add_pod("worker2", "cni-fcnh6", "10.0.0.249");
  lab.add_pod("control-plane", "cni-cp", "10.0.2.77");
  const auto reaches = [&](const std::string& from, const std::string& to) {
    return wait_until([&] { return lab.ping(from, to).ok(); });
  };
  CHECK(reaches("net", "10.0.0.249"));
  CHECK(reaches("net", "10.0.2.77"));
  CHECK(reaches("cni-cp", "10.0.0.249"));
  CHECK(must_in("worker", "ip xfrm state").find("src 10.0.1.1 dst 10.0.0.1\n") !=
        std::string::npos);
  CHECK(lab.cleartext().empty());
  CHECK(lab.files_with_the_key().empty());
}

}  // namespace this_file
