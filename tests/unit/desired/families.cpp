// Nodes with one family or both.
#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"

namespace pellicle::this_file {

namespace {

using seed::cidr;
using seed::ip;

const Mark kOut{0x3e00, 0xff00};
const Mark kEncrypted{0xe00, 0xf00};
const Mark kDecrypted{0xd00, 0xf00};

void give_ipv6(Node& node, const char* pod_cidr, const char* internal_ip, const char* router) {
  node.pod_cidrs.push_back(cidr(pod_cidr));
  node.internal_ipv6 = ip(internal_ip);
  node.router_ipv6 = ip(router);
}

// The seed's cluster, with both families on every Node.
Inputs dual() {
  auto inputs = seed::worker();
  give_ipv6(inputs.nodes["control-plane"], "fd00:10:2::/64", "fd00:172::2", "fd00:10:2::34");
  give_ipv6(inputs.nodes["worker"], "fd00:10:1::/64", "fd00:172::3", "fd00:10:1::8a");
  give_ipv6(inputs.nodes["worker2"], "fd00:10::/64", "fd00:172::4", "fd00:10::28");
  inputs.host.uplinks[ip("fd00:172::3")] = inputs.host.uplinks.at(ip("172.18.0.3"));
  inputs.endpoints[0].addresses.push_back(ip("fd00:10:1::34"));
  return inputs;
}

Inputs without_ipv4(Inputs inputs) {
  for (auto& [name, node] : inputs.nodes) {
    std::erase_if(node.pod_cidrs, [](const Cidr& each) { return each.family() == Family::v4; });
    node.internal_ipv4.reset();
    node.router_ipv4.reset();
  }
  inputs.host.uplinks.erase(ip("172.18.0.3"));
  for (auto& endpoint : inputs.endpoints) {
    std::erase_if(endpoint.addresses, [](const auto& each) { return each.family() == Family::v4; });
  }
  return inputs;
}

// The IPv6 objects of the desired state, as lines.
template <class Kind>
std::vector<std::string> ipv6_lines(const Table<Kind>& table) {
  std::vector<std::string> lines;
  for (const auto& [key, value] : table) {
    const auto line = describe(key, value);
    if (line.find("::") != line.npos || line.find("-6 ") != line.npos ||
        line.find("ip6tables") != line.npos || line.find("net/ipv6") != line.npos)
      lines.push_back(line);
  }
  return lines;
}

using Lines = std::vector<std::string>;

void check_ipv6(const KernelState& state) {
  CHECK(ipv6_lines(state.addresses) == Lines{"address fd00:10:1::8a/128 dev cilium_host"});
  CHECK(ipv6_lines(state.sysctls) == Lines{"sysctl net/ipv6/conf/cilium_host/forwarding=1",
                                           "sysctl net/ipv6/conf/cilium_net/forwarding=1",
                                           "sysctl net/ipv6/conf/eth0/forwarding=1",
                                           "sysctl net/ipv6/conf/lxc0123456789ab/forwarding=1",
                                           "sysctl net/ipv6/conf/all/forwarding=1"});
  CHECK(ipv6_lines(state.rules) == Lines{"-6 rule 1: fwmark 0xd00/0xf00 lookup 200",
                                         "-6 rule 1: fwmark 0xe00/0xf00 lookup 200",
                                         "-6 rule 2: from fd00:10:1::8a/128 ipproto 50 lookup 254",
                                         "-6 rule 3: from fd00:10:1::/64 lookup 214",
                                         "-6 rule 101: iif lo ipproto 58 lookup 214"});
  CHECK(ipv6_lines(state.local_rules) == Lines{"-6 rule 100: lookup local"});
  CHECK(state.endpoints.contains({ip("fd00:10:1::34")}));
  CHECK(ipv6_lines(state.sources) == Lines{"source fe80::ff:fe00:101/128 dev lxc0123456789ab",
                                           "source fe80::ff:fe00:201/128 dev lxcba9876543210"});
  CHECK(state.netfilter.contains({Family::v6, "raw", "PELLICLE_PREROUTING"}));

  const auto template_in = Policy::Template{ip("::"), ip("fd00:10:1::8a"), 0, 1, false};
  CHECK(state.policies.at({Direction::in, cidr("::/0"), cidr("fd00:10:1::/64"), kDecrypted}) ==
        Policy{.tmpl = template_in});
  CHECK(state.policies.at({Direction::out, cidr("fd00:10:1::/64"), cidr("fd00:10::/64"), kOut}) ==
        Policy{.tmpl = Policy::Template{ip("fd00:10:1::8a"), ip("fd00:10::28"), 3, 1, false}});
  CHECK(state.states.at({ip("fd00:10:1::8a"), 3, kDecrypted}).src == ip("::"));
  CHECK(state.states.at({ip("fd00:10::28"), 3, kOut}).output_mark == kEncrypted);
}

void check_ipv6_routes(const KernelState& state) {
  CHECK(state.routes.at({254, cidr("fd00:10::/64")}) ==
        Route{.dev = "eth0", .gateway = ip("fd00:172::4")});
  CHECK(state.routes.at({254, cidr("fd00:10:1::8a/128")}) == Route{.dev = "cilium_host"});
  CHECK(state.routes.at({254, cidr("fd00:10:1::/64")}) ==
        Route{.dev = "cilium_host", .src = ip("fd00:10:1::8a")});
  CHECK(state.routes.at({200, cidr("fd00:10::/64")}) == Route{.dev = "cilium_host", .mtu = 1500});
  CHECK(state.routes.at({200, cidr("fd00:10:1::/64")}) ==
        Route{.type = RouteType::local, .dev = "eth0", .protocol = 50});
}

}  // namespace

TEST_CASE("with both families everything is there for both, and IPv4 is as without IPv6") {
  const auto desired = compute(dual());
  CHECK(desired.problems.empty());
  CHECK_FALSE(desired.cluster.incomplete);
  check_ipv6(desired.state);
  check_ipv6_routes(desired.state);
  const auto ipv4 = compute(seed::worker()).state;
  for (const auto& [key, value] : ipv4.routes) CHECK(desired.state.routes.at(key) == value);
  for (const auto& [key, value] : ipv4.policies) CHECK(desired.state.policies.at(key) == value);
  CHECK(desired.state.states.size() == 2 * ipv4.states.size());
  CHECK(desired.state.peers.size() == 4);
}

TEST_CASE("with IPv6 alone there is nothing of IPv4 but the block policy") {
  const auto desired = compute(without_ipv4(dual()));
  CHECK(desired.problems.empty());
  CHECK_FALSE(desired.cluster.incomplete);
  check_ipv6(desired.state);
  check_ipv6_routes(desired.state);
  CHECK(desired.state.routes.size() == 11);
  CHECK(desired.state.rules.size() == 5);
  CHECK(desired.state.local_rules.size() == 1);
  CHECK(desired.state.block_policies.size() == 2);
  CHECK_FALSE(desired.state.datapath_config.at({}).v4);
  CHECK(desired.state.datapath_config.at({}).v6->router == ip("fd00:10:1::8a"));
}

TEST_CASE("IPv6's 1280 bytes always fit: the kernel is told of so much, the programs of the path") {
  auto inputs = dual();
  const auto table = [&] { return compute(inputs).state; };
  inputs.paths[ip("fd00:10::28")] = {.mtu = 1300, .router = ip("fd00:172::1")};
  CHECK(table().routes.at({200, cidr("fd00:10::/64")}).mtu == 1356);
  CHECK(table().peers.at({cidr("fd00:10::/64")}).path == 1300);
  inputs.paths[ip("fd00:10::28")].mtu = 1400;
  CHECK(table().routes.at({200, cidr("fd00:10::/64")}).mtu == 1400);
  CHECK(table().peers.at({cidr("fd00:10::/64")}).path == 0);
}

TEST_CASE("a peer is encrypted to in the families that both have, without a complaint") {
  auto inputs = dual();
  inputs.nodes["worker2"] = seed::worker().nodes["worker2"];
  auto desired = compute(inputs);
  CHECK(desired.problems.empty());
  CHECK(desired.state.peers.contains({cidr("10.0.0.0/24")}));
  CHECK_FALSE(desired.state.peers.contains({cidr("fd00:10::/64")}));

  inputs = dual();
  inputs.nodes["worker"] = seed::worker().nodes["worker"];
  desired = compute(inputs);
  CHECK(desired.problems.empty());
  CHECK(desired.state.peers.size() == 2);
  CHECK_FALSE(desired.state.datapath_config.at({}).v6);
}

TEST_CASE("a peer that is not ready in one family is dropped for in that one alone") {
  auto inputs = dual();
  inputs.nodes["worker2"].router_ipv6.reset();
  const auto desired = compute(inputs);
  REQUIRE(desired.problems.size() == 1);
  CHECK(desired.problems[0].field == "metadata.annotations[network.cilium.io/ipv6-cilium-host]");
  CHECK(desired.state.peers.at({cidr("fd00:10::/64")}).key_id == 0);
  CHECK(desired.state.peers.at({cidr("10.0.0.0/24")}).key_id == 3);
}

TEST_CASE("a family of this node that is incomplete leaves the other one working") {
  auto inputs = dual();
  inputs.nodes["worker"].internal_ipv6.reset();
  auto desired = compute(inputs);
  CHECK(desired.cluster.incomplete);
  REQUIRE(desired.problems.size() == 1);
  CHECK(desired.problems[0].sentence.find("no IPv6 InternalIP") == 0);
  CHECK(desired.state.datapath_config.at({}).v4);
  CHECK_FALSE(desired.state.datapath_config.at({}).v6);

  inputs = seed::worker();  // programmed before, now without a PodCIDR
  inputs.host.router_ipv6 = ip("fd00:10:1::8a");
  desired = compute(inputs);
  CHECK(desired.cluster.incomplete);
  CHECK(desired.problems.size() == 2);
}

TEST_CASE(
    "a kernel without IPv6 is a node of IPv4, and says of an IPv6 PodCIDR that it is not used") {
  auto inputs = dual();
  inputs.host.ipv6 = false;
  inputs.host.uplinks.erase(ip("fd00:172::3"));
  inputs.endpoints[0].addresses.pop_back();
  const auto desired = compute(inputs);
  CHECK_FALSE(desired.cluster.incomplete);
  REQUIRE(desired.problems.size() == 1);
  CHECK(desired.problems[0].to_string() ==
        "Node worker spec.podCIDR: fd00:10:1::/64 is not used, as this node's kernel has no IPv6; "
        "expected a kernel that was booted without ipv6.disable=1, or a Node with an IPv4 PodCIDR "
        "alone");
  CHECK(ipv6_lines(desired.state.sysctls).empty());
  CHECK(ipv6_lines(desired.state.rules).empty());
  CHECK(desired.state.peers == compute(seed::worker()).state.peers);
}

TEST_CASE("an uplink that listens to routers goes on doing so while it forwards") {
  auto inputs = dual();
  for (auto& [address, uplink] : inputs.host.uplinks) uplink.accepts_ra = true;
  const auto state = compute(inputs).state;
  CHECK(state.sysctls.begin()->first.path == "net/ipv6/conf/eth0/accept_ra");  // before forwarding
  CHECK(state.sysctls.begin()->second.value == "2");
  CHECK(state.sysctls.rbegin()->first.path == "net/ipv6/conf/all/forwarding");
  inputs.host.advertised = {"eth1"};
  CHECK(compute(inputs).state.sysctls.at({"net/ipv6/conf/eth1/accept_ra"}).value == "2");
  for (auto& [name, node] : inputs.nodes) node = seed::worker().nodes.at(name);
  CHECK_FALSE(compute(inputs).state.sysctls.contains({"net/ipv6/conf/eth0/accept_ra"}));
}

TEST_CASE("each family has a strict network of its own") {
  auto inputs = dual();
  inputs.settings.strict_cidrs = {cidr("fd00:10::/32")};
  const Policy blocked{.block = true, .priority = 74};
  const Policy::Key strict6{Direction::out, cidr("fd00:10:1::/64"), cidr("fd00:10::/32"), {}};
  const Policy::Key strict4{Direction::out, cidr("10.0.1.0/24"), cidr("10.0.0.0/8"), {}};
  CHECK(compute(inputs).state.policies.at(strict6) == blocked);
  CHECK_FALSE(compute(inputs).state.policies.contains(strict4));
  inputs.settings.strict_cidrs.push_back(cidr("10.0.0.0/8"));
  CHECK(compute(inputs).state.policies.at(strict6) == blocked);
  CHECK(compute(inputs).state.policies.at(strict4) == blocked);
}

TEST_CASE("each family is masqueraded by its own setting") {
  auto inputs = dual();
  inputs.settings.native_cidr6 = cidr("fd00:10::/32");
  inputs.settings.masquerade_exceptions = {cidr("192.168.0.0/16"), cidr("fd00:9::/64")};
  const auto chains = compute(inputs).state.netfilter;
  CHECK(chains.at({Family::v4, "nat", "PELLICLE_POSTROUTING"}).rules ==
        Lines{"-o cilium_host -m mark --mark 0x4000/0x4800 -j SNAT --to-source 172.18.0.3 "
              "--random-fully"});
  CHECK(chains.at({Family::v6, "nat", "PELLICLE_POSTROUTING"}).rules ==
        Lines{"-o cilium_host -m mark --mark 0x4000/0x4800 -j SNAT --to-source " +
                  dual().nodes.at("worker").internal_ipv6->to_string() + " --random-fully",
              "-s fd00:10:1::/64 -d fd00:10::/32 -j RETURN",
              "-s fd00:10:1::/64 -d fd00:9::/64 -j RETURN",
              "-s fd00:10:1::/64 ! -o cilium_+ -j MASQUERADE"});
}

}  // namespace pellicle::this_file
