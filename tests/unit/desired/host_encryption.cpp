// Traffic between pods and other nodes' own addresses.
#include "agent/reconcile/plan.h"
#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"

namespace pellicle::this_file {

namespace {

using seed::cidr;
using seed::ip;

const Mark kOut{0x3e00, 0xff00};
const Mark kLocal{0x200, 0xf00};

Inputs accepted_by(std::initializer_list<const char*> nodes) {
  auto inputs = seed::worker();
  inputs.settings.host_encryption = true;
  for (const auto* name : nodes) inputs.nodes.at(name).accepts_host_encryption = true;
  return inputs;
}

// All objects of `more` that `less` lacks, as lines.
std::vector<std::string> added(const KernelState& more, const KernelState& less) {
  std::vector<std::string> lines;
  for (const auto& operation : plan(more, less)) lines.push_back(describe(operation));
  return lines;
}

}  // namespace

TEST_CASE("host encryption: packets for the node itself are taken, whatever its own setting is") {
  const auto state = compute(seed::worker()).state;
  const Policy taken{
      .tmpl = Policy::Template{
          .src = ip("0.0.0.0"), .dst = ip("10.0.1.138"), .reqid = 1, .optional = true}};
  const auto node = cidr("172.18.0.3/32");
  CHECK(state.policies.at({Direction::in, cidr("0.0.0.0/0"), node, kLocal}) == taken);
  CHECK(state.policies.at({Direction::fwd, cidr("0.0.0.0/0"), node, kForwardedMark}) == taken);
  CHECK(state.node_peers.empty());
  CHECK_FALSE(state.datapath_config.begin()->second.host_encryption);
}

TEST_CASE("host encryption: switched on, all of it is an addition to what is there without") {
  auto off = accepted_by({"worker2", "control-plane"});
  off.settings.host_encryption = false;
  const auto operations =
      added(compute(accepted_by({"worker2", "control-plane"})).state, compute(off).state);
  const auto text = [](const std::string& src, const std::string& dst, const std::string& router) {
    return "add policy src " + src + " dst " + dst +
           " dir out priority 0 mark 0x3e00/0xff00 tmpl src 10.0.1.138 dst " + router +
           " proto esp spi 0x3 reqid 1 mode tunnel";
  };
  CHECK(operations ==
        std::vector<std::string>{
            "replace iptables -t mangle chain PELLICLE_OUTPUT from OUTPUT, 2 rules",
            "replace iptables -t mangle chain PELLICLE_PREROUTING from PREROUTING, 5 rules",
            text("0.0.0.0/0", "10.0.0.0/24", "10.0.0.40"),
            text("0.0.0.0/0", "10.0.2.0/24", "10.0.2.52"),
            text("0.0.0.0/0", "172.18.0.2/32", "10.0.2.52"),
            text("0.0.0.0/0", "172.18.0.4/32", "10.0.0.40"),
            "replace datapath config local 10.0.1.0/24 router 10.0.1.138 address 172.18.0.3 host "
            "cilium_host net cilium_net uplink eth0 host encryption",
            "add route 172.18.0.2/32 dev cilium_host table 200 mtu 1500",
            "add route 172.18.0.4/32 dev cilium_host table 200 mtu 1500",
            "replace route 10.0.0.0/24 dev cilium_host table 214",
            "replace route 10.0.2.0/24 dev cilium_host table 214",
            "add route 172.18.0.2/32 dev cilium_host table 215",
            "add route unreachable 172.18.0.2/32 table 215 metric 4096",
            "add route 172.18.0.4/32 dev cilium_host table 215",
            "add route unreachable 172.18.0.4/32 table 215 metric 4096", "add rule 3: lookup 214",
            "add rule 4: fwmark 0x100/0xf00 lookup 215",
            "add rule 4: fwmark 0x200/0xf00 lookup 215",
            // Last: until then, packets to nodes go out in the clear.
            "add node 172.18.0.2/32 key 3", "add node 172.18.0.4/32 key 3",
            "remove rule 101: iif lo ipproto 1 lookup 214",
            "remove rule 3: from 10.0.1.0/24 lookup 214"});
}

TEST_CASE("host encryption: a node that does not take it is reached in the clear, and reported") {
  const auto desired = compute(accepted_by({"worker2"}));
  CHECK(desired.state.node_peers ==
        Table<PeerEntry>{{{cidr("172.18.0.4/32")}, {.key_id = 3, .node = true}}});
  REQUIRE(desired.problems.size() == 1);
  CHECK(desired.problems[0].to_string() ==
        "Node control-plane metadata.annotations[pellicle.io/host-encryption]: expected "
        "'accepted', which an agent publishes that takes encrypted packets for its node; until it "
        "runs there, what pods and 172.18.0.2 say to each other is in the clear");
  CHECK_FALSE(desired.cluster.incomplete);
}

TEST_CASE("host encryption: without a key nodes are reached in the clear") {
  auto inputs = accepted_by({"worker2", "control-plane"});
  inputs.key.reset();
  CHECK(compute(inputs).state.node_peers.empty());
}

TEST_CASE("host encryption: where policies ask for no key's mark, the pods' marks choose") {
  auto inputs = accepted_by({"worker2"});
  inputs.key->per_pair = true;
  inputs.derive = [](const Algorithm& key, const PairEnds&) { return key; };
  inputs.sender = {.boot_id = "W", .epochs = {{.spi = 0x100018a0}}, .settled = true};
  for (const char* name : {"worker2", "control-plane"}) {
    inputs.nodes.at(name).boot_id = name;
    inputs.nodes.at(name).epochs = {{.spi = 0x10000280}};
  }
  const auto state = compute(inputs).state;
  std::vector<std::string> out;
  for (const auto& [key, policy] : state.policies) {
    if (key.direction != Direction::out || key.mark == kBeforeNatMark) continue;
    REQUIRE(policy.tmpl);
    out.push_back(key.src.to_string() + " > " + key.dst.to_string() + " " + key.mark.to_string());
  }
  CHECK(out == std::vector<std::string>{
                   "0.0.0.0/0 > 10.0.0.0/24 0/0x0", "0.0.0.0/0 > 10.0.2.0/24 0/0x0",
                   "0.0.0.0/0 > 172.18.0.4/32 0x100/0xf00", "0.0.0.0/0 > 172.18.0.4/32 0x200/0xf00",
                   "10.0.1.0/24 > 10.0.0.0/24 0/0x0", "10.0.1.0/24 > 10.0.2.0/24 0/0x0"});
  CHECK(state.rules.size() == 2);  // no policy needs a mark that a packet might lack
}

TEST_CASE(
    "host encryption: a network that is not believed blocks nothing to this node's own pods") {
  auto inputs = accepted_by({"worker2", "control-plane"});
  inputs.nodes["younger"] =
      seed::node("younger", "2024-01-01", "10.0.0.0/16", "172.18.0.9", "10.0.0.9");
  const auto policies = compute(inputs).state.policies;
  const auto any = cidr("0.0.0.0/0");
  CHECK(policies.at({Direction::out, any, cidr("10.0.0.0/16"), {}}).block);
  for (const char* dst : {"10.0.1.0/24", "10.0.0.0/24", "10.0.2.0/24"}) {
    CHECK(policies.at({Direction::out, any, cidr(dst), kUnmarked}) == Policy{.priority = 72});
  }
}

}  // namespace pellicle::this_file
