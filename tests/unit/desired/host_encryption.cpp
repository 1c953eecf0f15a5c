// What is between pods and other nodes' own addresses.
#include "agent/reconcile/plan.h"
#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"

namespace pellicle {

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

// Everything of `more` that `less` does not have, as lines.
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
  for (const auto direction : {Direction::in, Direction::fwd}) {
    CHECK(state.policies.at({direction, cidr("0.0.0.0/0"), cidr("172.18.0.3/32"), kLocal}) ==
          taken);
  }
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
            text("0.0.0.0/0", "10.0.0.0/24", "10.0.0.40"),
            text("0.0.0.0/0", "10.0.2.0/24", "10.0.2.52"),
            text("0.0.0.0/0", "172.18.0.2/32", "10.0.2.52"),
            text("0.0.0.0/0", "172.18.0.4/32", "10.0.0.40"),
            "replace datapath config local 10.0.1.0/24 router 10.0.1.138 host cilium_host net "
            "cilium_net uplink eth0 host encryption",
            "add iptables -t mangle chain PELLICLE_OUTPUT from OUTPUT, 1 rules",
            "add iptables -t mangle chain PELLICLE_PREROUTING from PREROUTING, 2 rules",
            "add route 172.18.0.2/32 dev cilium_host table 200 mtu 1500",
            "add route 172.18.0.4/32 dev cilium_host table 200 mtu 1500",
            // Last: until then nodes are reached in the clear.
            "add node 172.18.0.2/32 key 3", "add node 172.18.0.4/32 key 3"});
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

}  // namespace pellicle
