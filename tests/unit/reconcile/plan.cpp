#include "agent/reconcile/plan.h"

#include <algorithm>

#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"

namespace pellicle::this_file {

namespace {

using seed::cidr;
using seed::ip;

std::vector<std::string> lines(const Plan& plan) {
  std::vector<std::string> lines;
  for (const auto& operation : plan) lines.push_back(describe(operation));
  return lines;
}

size_t position(const std::vector<std::string>& lines, const std::string& beginning) {
  const auto found = std::find_if(lines.begin(), lines.end(), [&](const std::string& line) {
    return line.starts_with(beginning);
  });
  INFO(beginning);
  REQUIRE(found != lines.end());
  return static_cast<size_t>(found - lines.begin());
}

KernelState worker_state() {
  return compute(seed::worker()).state;
}

}  // namespace

TEST_CASE("creation: block policy, devices, XFRM, maps, programs, routes, rules, the auditor") {
  const auto order = lines(plan(worker_state(), {}));
  const std::vector<std::string> milestones = {
      "add policy src 0.0.0.0/0 dst 0.0.0.0/0 dir out priority 100 mark 0xe00/0xf00 action block",
      "add link cilium_host",
      "add address 10.0.1.138/32",
      "add sysctl",
      "add iptables",
      "add state",
      "add policy src 10.0.1.0/24",
      "add datapath config",
      "add peer",
      "add endpoint",
      "add program",
      "add route 10.0.1.138/32 dev cilium_host",
      "add route 10.0.1.0/24 via 10.0.1.138 dev cilium_host",
      "add rule 100: lookup local",
      "add rule 1: fwmark 0xe00/0xf00 lookup 200",
      "add rule 3: from 10.0.1.0/24 lookup 214",
      "add program pell_uplink_out",
  };
  CHECK(position(order, milestones.front()) == 0);
  for (size_t i = 1; i < milestones.size(); ++i) {
    CHECK(position(order, milestones[i - 1]) < position(order, milestones[i]));
  }
}

TEST_CASE("removal is creation backwards") {
  auto creation = plan(worker_state(), {});
  for (auto& operation : creation) {
    std::visit([](auto& change) { change.action = Action::remove; }, operation);
  }
  std::reverse(creation.begin(), creation.end());
  const bool backwards = plan({}, worker_state()) == creation;
  CHECK(backwards);
}

TEST_CASE("equal states need nothing, and a withheld key is equal") {
  const auto desired = worker_state();
  auto actual = desired;
  CHECK(plan(desired, actual).empty());
  for (auto& [key, state] : actual.states) {
    std::get<Aead>(state.algorithm).key = SecretBytes(std::vector<uint8_t>(20));
  }
  CHECK(plan(desired, actual).empty());
}

TEST_CASE("the new is made before the old is removed, across all tables") {
  const auto before = worker_state();
  auto inputs = seed::worker();
  inputs.nodes["worker2"].pod_cidrs = {cidr("10.0.4.0/24")};
  inputs.nodes["worker2"].router_ipv4 = ip("10.0.4.40");
  inputs.nodes["worker"].router_ipv4 = ip("10.0.1.9");
  const auto changes = plan(compute(inputs).state, before);
  const auto first_removal = std::find_if(changes.begin(), changes.end(), [](const auto& change) {
    return action(change) == Action::remove;
  });
  CHECK(first_removal != changes.end());
  CHECK(std::all_of(first_removal, changes.end(),
                    [](const auto& change) { return action(change) == Action::remove; }));
  const auto order = lines(changes);
  CHECK(position(order, "replace route 10.0.1.0/24 via 10.0.1.9") <
        position(order, "remove address 10.0.1.138"));
}

TEST_CASE("what is removed may stand anywhere among what stays and comes") {
  const auto with = [](std::initializer_list<const char*> networks, const char* device) {
    KernelState state;
    for (const auto* network : networks) state.routes[{254, cidr(network)}] = {.dev = device};
    return state;
  };
  const auto actual =
      with({"10.0.0.0/24", "10.0.1.0/24", "10.0.3.0/24", "10.0.5.0/24", "10.0.9.0/24"}, "eth0");
  const auto desired = with({"10.0.1.0/24", "10.0.2.0/24", "10.0.5.0/24"}, "eth0");
  CHECK(lines(plan(desired, actual)) ==
        std::vector<std::string>{
            "add route 10.0.2.0/24 dev eth0", "remove route 10.0.9.0/24 dev eth0",
            "remove route 10.0.3.0/24 dev eth0", "remove route 10.0.0.0/24 dev eth0"});
  CHECK(plan({}, actual).size() == 5);
  CHECK(plan(actual, {}).size() == 5);
}

TEST_CASE("one changed value is one replacement") {
  const auto desired = worker_state();
  auto actual = desired;
  actual.routes.at({254, cidr("10.0.0.0/24")}).gateway = ip("172.18.0.9");
  CHECK(lines(plan(desired, actual)) ==
        std::vector<std::string>{"replace route 10.0.0.0/24 via 172.18.0.4 dev eth0"});
  actual = desired;
  std::get<Aead>(actual.states.at({ip("10.0.0.40"), 3, {0x3e00, 0xff00}}).algorithm).key =
      SecretBytes(std::vector<uint8_t>(20, 0xaa));
  CHECK(lines(plan(desired, actual)) ==
        std::vector<std::string>{
            "replace state src 10.0.1.138 dst 10.0.0.40 proto esp spi 0x3 reqid 1 mode tunnel mark "
            "0x3e00/0xff00 output-mark 0xe00/0xf00 rfc4106(gcm(aes)) 128"});
}

}  // namespace pellicle::this_file
