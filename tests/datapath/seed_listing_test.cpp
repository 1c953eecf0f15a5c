// `ip` lists on each node what the seed's listings show, character for character except for keys,
// device indexes and MAC addresses.
#include <regex>
#include <sstream>

#include "tests/harness/catch.h"
#include "tests/harness/lab/lab.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;

namespace {

// The seed's worker. Its rules 9 and 10 serve a proxy that this agent does not have. The default
// route, the route of proto kernel and lo belong to the environment. Additions are the rules 2, 3
// and 101, which direct packets without a mark to cilium_host, and three policies: the block
// policy, the first, and the two for packets to the node itself. Today's `ip` prints "ptype main",
// the seed's did not. Lines that `ip` ends with a blank end with "$" here.
std::string rules(const std::string& router, const std::string& pod_cidr) {
  return "1:\tfrom all fwmark 0xd00/0xf00 lookup 200\n"
         "1:\tfrom all fwmark 0xe00/0xf00 lookup 200\n"
         "2:\tfrom " +
         router + " ipproto esp lookup main\n3:\tfrom " + pod_cidr +
         " lookup 214\n"
         "100:\tfrom all lookup local\n"
         "101:\tfrom all iif lo ipproto icmp lookup 214\n"
         "32766:\tfrom all lookup main\n"
         "32767:\tfrom all lookup default\n";
}

constexpr const char* kWorkerMainRoutes = R"(default via 172.18.0.1 dev eth0 $
10.0.0.0/24 via 172.18.0.4 dev eth0 $
10.0.1.0/24 via 10.0.1.138 dev cilium_host src 10.0.1.138 $
10.0.1.138 dev cilium_host scope link $
10.0.2.0/24 via 172.18.0.2 dev eth0 $
172.18.0.0/16 dev eth0 proto kernel scope link src 172.18.0.3 $
)";

constexpr const char* kWorkerEncryptRoutes = R"(10.0.0.0/24 dev cilium_host mtu 1500 $
local 10.0.1.0/24 dev eth0 proto 50 scope host $
10.0.2.0/24 dev cilium_host mtu 1500 $
)";

constexpr const char* kWorkerStates = R"(src 0.0.0.0 dst 10.0.1.138
	proto esp spi 0x00000003 reqid 1 mode tunnel
	replay-window 0 $
	mark 0xd00/0xf00 output-mark 0xd00/0xf00
	aead rfc4106(gcm(aes)) <key> 128
	sel src 0.0.0.0/0 dst 0.0.0.0/0 $
src 10.0.1.138 dst 10.0.0.40
	proto esp spi 0x00000003 reqid 1 mode tunnel
	replay-window 0 $
	mark 0x3e00/0xff00 output-mark 0xe00/0xf00
	aead rfc4106(gcm(aes)) <key> 128
	sel src 0.0.0.0/0 dst 0.0.0.0/0 $
src 10.0.1.138 dst 10.0.2.52
	proto esp spi 0x00000003 reqid 1 mode tunnel
	replay-window 0 $
	mark 0x3e00/0xff00 output-mark 0xe00/0xf00
	aead rfc4106(gcm(aes)) <key> 128
	sel src 0.0.0.0/0 dst 0.0.0.0/0 $
)";

constexpr const char* kWorkerPolicies = R"(src 0.0.0.0/0 dst 0.0.0.0/0 $
	dir out action block priority 100 ptype main $
	mark 0xe00/0xf00 $
src 0.0.0.0/0 dst 10.0.1.0/24 $
	dir fwd priority 2975 ptype main $
	mark 0/0xf00 $
	tmpl src 0.0.0.0 dst 10.0.1.138
		proto esp reqid 1 mode tunnel
		level use $
src 0.0.0.0/0 dst 10.0.1.0/24 $
	dir in priority 0 ptype main $
	mark 0x200/0xf00 $
	tmpl src 0.0.0.0 dst 10.0.1.138
		proto esp reqid 1 mode tunnel
		level use $
src 0.0.0.0/0 dst 10.0.1.0/24 $
	dir in priority 0 ptype main $
	mark 0xd00/0xf00 $
	tmpl src 0.0.0.0 dst 10.0.1.138
		proto esp reqid 1 mode tunnel
src 0.0.0.0/0 dst 172.18.0.3/32 $
	dir fwd priority 0 ptype main $
	mark 0x200/0xb00 $
	tmpl src 0.0.0.0 dst 10.0.1.138
		proto esp reqid 1 mode tunnel
		level use $
src 0.0.0.0/0 dst 172.18.0.3/32 $
	dir in priority 0 ptype main $
	mark 0x200/0xf00 $
	tmpl src 0.0.0.0 dst 10.0.1.138
		proto esp reqid 1 mode tunnel
		level use $
src 10.0.1.0/24 dst 10.0.0.0/24 $
	dir out priority 0 ptype main $
	mark 0x3e00/0xff00 $
	tmpl src 10.0.1.138 dst 10.0.0.40
		proto esp spi 0x00000003 reqid 1 mode tunnel
src 10.0.1.0/24 dst 10.0.2.0/24 $
	dir out priority 0 ptype main $
	mark 0x3e00/0xff00 $
	tmpl src 10.0.1.138 dst 10.0.2.52
		proto esp spi 0x00000003 reqid 1 mode tunnel
src ::/0 dst ::/0 $
	dir out action block priority 100 ptype main $
	mark 0xe00/0xf00 $
)";

// The first line of each device: the kernel decides the kind and number of queues.
constexpr const char* kLinks =
    "cilium_host@cilium_net: <BROADCAST,MULTICAST,NOARP,UP,LOWER_UP> mtu 1500 qdisc noqueue state "
    "UP mode DEFAULT group default qlen 1000\n"
    "cilium_net@cilium_host: <BROADCAST,MULTICAST,NOARP,UP,LOWER_UP> mtu 1500 qdisc noqueue state "
    "UP mode DEFAULT group default qlen 1000\n"
    "eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT group "
    "default qlen 1000\n"
    "lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN mode DEFAULT group default "
    "qlen 1000\n"
    "lxc<12 hex>: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT "
    "group default qlen 1000\n";

constexpr const char* kWorkerAddresses = R"(lo    inet 127.0.0.1/8 scope host lo
eth0    inet 172.18.0.3/16 brd 172.18.255.255 scope global eth0
cilium_host    inet 10.0.1.138/32 scope link cilium_host
)";

std::string replaced(const std::string& text, const std::string& pattern, const std::string& with) {
  return std::regex_replace(text, std::regex(pattern), with);
}

std::string expected(const char* golden) {
  return replaced(golden, " \\$\n", " \n");
}

std::string first_lines(const std::string& links) {
  std::istringstream lines(links);
  std::string first;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(' ')) first += line + "\n";
  }
  return replaced(first, "lxc[0-9a-f]{12}:", "lxc<12 hex>:");
}

KernelPicture listing(const std::string& node) {
  KernelPicture picture = kernel_picture(node);
  picture.links = first_lines(picture.links);
  return picture;
}

KernelPicture worker_golden() {
  return {.rules = rules("10.0.1.138", "10.0.1.0/24"),
          .main_routes = expected(kWorkerMainRoutes),
          .encrypt_routes = expected(kWorkerEncryptRoutes),
          .states = expected(kWorkerStates),
          .policies = expected(kWorkerPolicies),
          .links = kLinks,
          .addresses = kWorkerAddresses};
}

// The same listing for any node: for worker it equals worker's golden text.
std::string state_text(const IpAddress& src, const IpAddress& dst, const std::string& marks) {
  return "src " + src.to_string() + " dst " + dst.to_string() +
         "\n\tproto esp spi 0x00000003 reqid 1 mode tunnel\n\treplay-window 0 \n\tmark " + marks +
         "\n\taead rfc4106(gcm(aes)) <key> 128\n\tsel src 0.0.0.0/0 dst 0.0.0.0/0 \n";
}

std::string policy_text(const std::string& ends, const std::string& head, const std::string& mark,
                        const std::string& tmpl) {
  return ends + " \n\tdir " + head + " ptype main \n\tmark " + mark + " \n" + tmpl;
}

std::string receiving_policies(const NodeSpec& self) {
  const std::string ends = "src 0.0.0.0/0 dst " + self.pod_cidr.to_string();
  const std::string node = "src 0.0.0.0/0 dst " + self.address.to_string() + "/32";
  const std::string tmpl =
      "\ttmpl src 0.0.0.0 dst " + self.router.to_string() + "\n\t\tproto esp reqid 1 mode tunnel\n";
  return policy_text(ends, "fwd priority 2975", "0/0xf00", tmpl + "\t\tlevel use \n") +
         policy_text(ends, "in priority 0", "0x200/0xf00", tmpl + "\t\tlevel use \n") +
         policy_text(ends, "in priority 0", "0xd00/0xf00", tmpl) +
         policy_text(node, "fwd priority 0", "0x200/0xb00", tmpl + "\t\tlevel use \n") +
         policy_text(node, "in priority 0", "0x200/0xf00", tmpl + "\t\tlevel use \n");
}

std::string sending_policy(const NodeSpec& self, const NodeSpec& peer) {
  return policy_text("src " + self.pod_cidr.to_string() + " dst " + peer.pod_cidr.to_string(),
                     "out priority 0", "0x3e00/0xff00",
                     "\ttmpl src " + self.router.to_string() + " dst " + peer.router.to_string() +
                         "\n\t\tproto esp spi 0x00000003 reqid 1 mode tunnel\n");
}

std::string own_pod_routes(const std::string& cidr, const std::string& router) {
  return cidr + " via " + router + " dev cilium_host src " + router + " \n" + router +
         " dev cilium_host scope link \n";
}

// `nodes` are ordered by their pod networks, as `ip route` lists them.
KernelPicture golden(const NodeSpec& self, const std::vector<NodeSpec>& nodes) {
  const std::string own = self.router.to_string();
  KernelPicture all{.rules = rules(own, self.pod_cidr.to_string()),
                    .main_routes = "default via 172.18.0.1 dev eth0 \n",
                    .encrypt_routes = "",
                    .states = state_text(IpAddress::any(Family::v4), self.router,
                                         "0xd00/0xf00 output-mark 0xd00/0xf00"),
                    .policies = policy_text("src 0.0.0.0/0 dst 0.0.0.0/0",
                                            "out action block priority 100", "0xe00/0xf00", "") +
                                receiving_policies(self),
                    .links = kLinks,
                    .addresses = "lo    inet 127.0.0.1/8 scope host lo\neth0    inet " +
                                 self.address.to_string() +
                                 "/16 brd 172.18.255.255 scope global eth0\ncilium_host    inet " +
                                 own + "/32 scope link cilium_host\n"};
  for (const NodeSpec& node : nodes) {
    const std::string cidr = node.pod_cidr.to_string();
    if (node == self) {
      all.main_routes += own_pod_routes(cidr, own);
      all.encrypt_routes += "local " + cidr + " dev eth0 proto 50 scope host \n";
      continue;
    }
    all.main_routes += cidr + " via " + node.address.to_string() + " dev eth0 \n";
    all.encrypt_routes += cidr + " dev cilium_host mtu 1500 \n";
    all.states += state_text(self.router, node.router, "0x3e00/0xff00 output-mark 0xe00/0xf00");
    all.policies += sending_policy(self, node);
  }
  all.policies +=
      policy_text("src ::/0 dst ::/0", "out action block priority 100", "0xe00/0xf00", "");
  all.main_routes +=
      "172.18.0.0/16 dev eth0 proto kernel scope link src " + self.address.to_string() + " \n";
  return all;
}

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
