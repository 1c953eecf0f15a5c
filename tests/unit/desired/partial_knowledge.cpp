// The desired state while some inputs are missing.
#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"

namespace pellicle::this_file {

namespace {

using seed::cidr;
using seed::ip;

// The only problem; checks that only the block policy is desired with it.
Problem only_block_policy(const Inputs& inputs) {
  const auto desired = compute(inputs);
  KernelState block;
  block.block_policies = compute(seed::worker()).state.block_policies;
  const bool nothing_else = desired.state == block;
  CHECK(nothing_else);
  REQUIRE(desired.problems.size() == 1);
  return desired.problems.front();
}

}  // namespace

TEST_CASE("the block policy alone: own Node unknown") {
  auto inputs = seed::worker();
  inputs.nodes.erase("worker");
  const auto problem = only_block_policy(inputs);
  CHECK(problem.object == "Node worker");
  CHECK(problem.sentence.find("node-name") != std::string::npos);
}

TEST_CASE("the block policy alone: own PodCIDR unknown") {
  auto inputs = seed::worker();
  inputs.nodes["worker"].pod_cidrs.clear();
  CHECK(only_block_policy(inputs).to_string() ==
        "Node worker spec.podCIDR: no IPv4 PodCIDR; expected one such as 10.0.1.0/24; until then "
        "only the block policy is added, and what was programmed before keeps running");
}

TEST_CASE("the block policy alone: own InternalIP unknown") {
  auto inputs = seed::worker();
  inputs.nodes["worker"].internal_ipv4.reset();
  const auto problem = only_block_policy(inputs);
  CHECK(problem.object == "Node worker");
  CHECK(problem.field == "status.addresses[InternalIP]");
}

TEST_CASE("the block policy alone: no device carries the InternalIP") {
  auto inputs = seed::worker();
  inputs.host.uplinks = {{ip("192.168.7.3"), {.name = "eth1", .mtu = 1500}}};
  const auto problem = only_block_policy(inputs);
  CHECK(problem.sentence.find("172.18.0.3") != std::string::npos);
}

TEST_CASE("the block policy alone: the uplink that was asked for is not there") {
  auto inputs = seed::worker();
  inputs.settings.uplink = "eth7";
  const auto problem = only_block_policy(inputs);
  CHECK(problem.object == "Configuration");
  CHECK(problem.field == "uplink");
  CHECK(problem.sentence.find("eth7") != std::string::npos);
}

TEST_CASE("the block policy alone: no address left for cilium_host") {
  auto inputs = seed::worker();
  inputs.nodes["worker"].pod_cidrs = {cidr("10.0.1.52/31")};
  const auto problem = only_block_policy(inputs);
  CHECK(problem.sentence.find("no address left") != std::string::npos);
}

TEST_CASE("the block policy alone: own PodCIDR holds this host's address") {
  auto inputs = seed::worker();
  inputs.nodes["worker"].pod_cidrs = {cidr("172.18.0.0/28")};
  inputs.nodes.erase("worker2");
  inputs.nodes.erase("control-plane");
  const auto problem = only_block_policy(inputs);
  CHECK(problem.field == "spec.podCIDR");
  CHECK(problem.sentence.find("172.18.0.3") != std::string::npos);
}

TEST_CASE("without a key everything stands but states, and policies block what is for peers") {
  auto inputs = seed::worker();
  inputs.key.reset();
  const auto desired = compute(inputs);
  auto wanted = compute(seed::worker()).state;
  wanted.states.clear();
  wanted.policies.clear();
  const auto own = Cidr::parse("10.0.1.0/24").value();
  for (auto& [key, entry] : wanted.peers) {
    entry.key_id = 0;
    wanted.policies[{Direction::out, own, key.cidr, {}}] = {.block = true, .priority = 71};
  }
  // Nothing needs a mark.
  std::erase_if(wanted.routes, [](const auto& entry) { return entry.first.table == 214; });
  std::erase_if(wanted.rules, [](const auto& entry) { return entry.first.priority > 1; });
  const bool equal = desired.state == wanted;
  CHECK(equal);
}

TEST_CASE("without peers a key still makes this node receive") {
  auto inputs = seed::worker();
  inputs.nodes.erase("worker2");
  inputs.nodes.erase("control-plane");
  const auto desired = compute(inputs);
  CHECK(desired.problems.empty());
  CHECK(desired.state.states.size() == 1);
  CHECK(desired.state.states.contains({ip("10.0.1.138"), 3, {0xd00, 0xf00}}));
  CHECK(desired.state.policies.size() == 5);
  CHECK(desired.state.peers.empty());
}

TEST_CASE("the strict CIDR is blocked, but not to peers nor between pods of this node") {
  auto inputs = seed::worker();
  inputs.settings.strict_cidrs = {cidr("10.0.0.0/8")};
  const auto without = compute(seed::worker()).state;
  auto wanted = without;
  const auto own = cidr("10.0.1.0/24");
  const auto to = [&](const char* dst) { return Policy::Key{Direction::out, own, cidr(dst), {}}; };
  wanted.policies[to("10.0.0.0/8")] = {.block = true, .priority = 74};
  // The plain form's policies match a mark, which a packet may not have yet.
  for (const char* dst : {"10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24"}) {
    wanted.policies[{Direction::out, own, cidr(dst), {0, 0x800}}] = {.priority = 72};
  }
  const bool equal = compute(inputs).state == wanted;
  CHECK(equal);
  inputs.settings.strict_cidrs = {cidr("192.168.0.0/16")};
  CHECK(compute(inputs).state.policies.size() == without.policies.size() + 1);
}

TEST_CASE("a pod whose device is gone has neither program nor entry") {
  auto inputs = seed::worker();
  inputs.host.pod_devices = {"lxc0123456789ab"};
  const auto state = compute(inputs).state;
  CHECK(state.endpoints.size() == 1);
  CHECK_FALSE(state.attachments.contains({"lxcba9876543210", true}));
  CHECK_FALSE(state.sysctls.contains({"net/ipv4/conf/lxcba9876543210/rp_filter"}));
}

TEST_CASE("of two pods with one address the first by id is reached, both are hooked") {
  auto inputs = seed::worker();
  inputs.endpoints[0].addresses = inputs.endpoints[1].addresses;
  std::swap(inputs.endpoints[0], inputs.endpoints[1]);
  const auto desired = compute(inputs);
  REQUIRE(desired.problems.size() == 1);
  CHECK(desired.problems[0].object == "Pod default/cni-s22px");
  CHECK(desired.state.endpoints.at({ip("10.0.1.103")}).device == "lxc0123456789ab");
  CHECK(desired.state.attachments.contains({"lxc0123456789ab", true}));
  CHECK(desired.state.attachments.contains({"lxcba9876543210", true}));
}

TEST_CASE("a pod outside the PodCIDR is reported") {
  auto inputs = seed::worker();
  inputs.endpoints[0].addresses = {ip("10.0.9.9")};
  const auto desired = compute(inputs);
  REQUIRE(desired.problems.size() == 1);
  CHECK(desired.problems[0].to_string() ==
        "Pod default/net address: 10.0.9.9 lies outside this node's PodCIDR 10.0.1.0/24, so other "
        "nodes do not reach it");
}

}  // namespace pellicle::this_file
