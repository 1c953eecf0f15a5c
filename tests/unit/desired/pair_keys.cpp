// Keys per pair of nodes: which states and policies exist, and which are in use for a peer.
#include <algorithm>

#include "agent/desired/ways.h"
#include "agent/reconcile/plan.h"
#include "tests/harness/catch.h"
#include "tests/unit/desired/pair_nodes.h"

namespace pellicle::this_file {

using namespace pair_nodes;

TEST_CASE("pair keys: an OUT state a peer, and an IN state a peer with the sender's own SPI") {
  const auto inputs = worker();
  const auto desired = compute(inputs);
  CHECK(desired.problems.empty());
  const auto& states = desired.state.states;
  REQUIRE(states.size() == 4);
  const auto& out = states.at({ip("10.0.0.40"), 0x100018a3, {}});
  CHECK(out.src == ip("10.0.1.138"));
  CHECK(out.output_mark == Mark{0xe00, 0xf00});
  CHECK(out.esn);
  CHECK(out.replay_window == 1024);
  const bool sends_with = out.algorithm == readable(seed::gcm(), {.src = ip("10.0.1.138"),
                                                                  .dst = ip("10.0.0.40"),
                                                                  .src_boot_id = "W",
                                                                  .dst_boot_id = "W2"});
  CHECK(sends_with);
  const auto& in = states.at({ip("10.0.1.138"), 0x10000283, {0xd00, 0xf00}});
  CHECK(in.src == ip("10.0.0.40"));
  CHECK(in.output_mark == Mark{0xd00, 0xf00});
  CHECK(in.esn);
  const bool receives_with = in.algorithm == readable(seed::gcm(), {.src = ip("10.0.0.40"),
                                                                    .dst = ip("10.0.1.138"),
                                                                    .src_boot_id = "W2",
                                                                    .dst_boot_id = "W"});
  CHECK(receives_with);
  CHECK(key_in_use(inputs) == 3);
  const Policy leads{.priority = 71,
                     .tmpl = Policy::Template{ip("10.0.1.138"), ip("10.0.0.40"), 0x100018a3, 1}};
  CHECK(desired.state.policies.at(kToWorker2) == leads);
}

TEST_CASE("pair keys: a peer's new boot id changes the states with that peer alone") {
  auto inputs = worker();
  const auto before = compute(inputs).state;
  inputs.nodes["worker2"].boot_id = "another";
  const auto after = compute(inputs).state;
  size_t changed = 0;
  for (const auto& [key, state] : after.states) {
    if (before.states.at(key) == state) continue;
    ++changed;
    const bool with_worker2 = key.dst == ip("10.0.0.40") || state.src == ip("10.0.0.40");
    CHECK(with_worker2);
  }
  CHECK(changed == 2);
}

TEST_CASE("pair keys: a peer that announces no boot id is dropped for and named") {
  auto inputs = worker();
  inputs.nodes["worker2"].boot_id.clear();
  const auto desired = compute(inputs);
  CHECK(desired.state.peers.at({cidr("10.0.0.0/24")}).key_id == 0);
  CHECK(desired.state.policies.at(kToWorker2) == Policy{.block = true, .priority = 71});
  CHECK(desired.state.peers.at({cidr("10.0.2.0/24")}).key_id == 3);
  REQUIRE(desired.problems.size() == 1);
  CHECK(desired.problems[0].object == "Node worker2");
  CHECK(desired.problems[0].field == "metadata.annotations[pellicle.io/boot-id]");
}

TEST_CASE("pair keys: nothing is sent before what is announced was heard") {
  auto inputs = worker();
  inputs.sender.settled = false;
  CHECK(key_in_use(inputs) == 0);
  CHECK(spi_in_use(inputs) == 0);
  const auto state = compute(inputs).state;
  CHECK(state.states.size() == 4);
  inputs.sender.settled = true;
  settle(inputs);
  inputs.sender.settled = false;  // a restart: the state in use stays in use
  CHECK(key_in_use(inputs) == 3);
}

TEST_CASE("rotation: states of both keys at once, the policies change peer by peer") {
  auto inputs = worker();
  settle(inputs);
  inputs.older_keys = {*inputs.key};
  inputs.key = fourth_key();
  auto state = compute(inputs).state;
  CHECK(state.states.size() == 8);
  CHECK(key_in_use(inputs) == 3);
  inputs.nodes["worker2"].key_id = 4;  // announced before the kernel has the states
  CHECK(key_in_use(inputs) == 3);
  CHECK(compute(inputs).cluster.waiting);
  CHECK(spi_in_use(inputs) == 0x100018a3);
  settle(inputs);
  CHECK(key_in_use(inputs) == 4);
  CHECK(spi_in_use(inputs) == 0x100018a4);
  CHECK(key_in_use(inputs, "10.0.2.0/24") == 3);
  CHECK_FALSE(compute(inputs).cluster.waiting);
  inputs.nodes["control-plane"].key_id = 4;
  settle(inputs);
  CHECK(key_in_use(inputs, "10.0.2.0/24") == 4);
  inputs.older_keys.clear();
  CHECK(compute(inputs).state.states.size() == 4);
}

TEST_CASE("rotation: a kernel that refuses the new state keeps the peer on the old key") {
  auto inputs = worker();
  settle(inputs);
  inputs.older_keys = {*inputs.key};
  inputs.key = fourth_key();
  inputs.nodes["worker2"].key_id = 4;
  const auto wanted = compute(inputs).state;
  const State::Key state{ip("10.0.0.40"), 0x100018a4, {}};
  REQUIRE(wanted.states.contains(state));
  inputs.programmed = programmed(wanted);
  CHECK(key_in_use(inputs) == 4);
  inputs.programmed.states.erase(state);
  CHECK(key_in_use(inputs) == 3);
  CHECK(spi_in_use(inputs) == 0x100018a3);
}

TEST_CASE("rotation: a peer that is ahead goes on getting the key that works") {
  auto inputs = worker();
  settle(inputs);
  inputs.nodes["worker2"].key_id = 12;
  CHECK(key_in_use(inputs) == 3);
  inputs.programmed = {};  // a node that joins now, with the previous key
  CHECK(key_in_use(inputs) == 0);
  auto fresh = worker();
  fresh.nodes["worker2"].key_id = 2;
  CHECK(key_in_use(fresh) == 0);
}

TEST_CASE("rotation: states of an older pair key whose bytes are lost stay as they are") {
  auto inputs = worker();
  const auto before = settle(inputs);
  inputs.key = fourth_key();
  inputs.inherited_keys = {3};
  auto state = compute(inputs).state;
  for (const auto& [key, value] : before.states) CHECK(state.states.at(key) == value);
  CHECK(state.states.size() == 8);
  CHECK(key_in_use(inputs) == 3);
  inputs.nodes["worker2"].key_id = 4;
  settle(inputs);
  CHECK(key_in_use(inputs) == 4);
  CHECK(key_in_use(inputs, "10.0.2.0/24") == 3);
  inputs.nodes.erase("control-plane");
  state = settle(inputs);
  for (const auto& [key, value] : state.states) {
    CHECK((key.dst != ip("10.0.2.52") || key_id_of(key) == 4));
    CHECK(value.src != ip("10.0.2.52"));
  }
}

TEST_CASE("change of form: marked states go on until the peer receives the next epoch") {
  auto inputs = worker();
  inputs.settings.marked_policies = true;
  const auto before = settle(inputs);
  const State::Key marked{ip("10.0.0.40"), 0x100018a3, encrypt_mark(3)};
  REQUIRE(before.states.contains(marked));
  CHECK_FALSE(before.policies.contains(kToWorker2));

  inputs.settings.marked_policies = false;
  CHECK(plan(settle(inputs), before).empty());  // the marked state stays
  const Epoch next{.spi = 0x1abcdef0, .generation = 77};
  inputs.sender.epochs = {kWorker, next};
  inputs.sender.settled = false;
  auto state = settle(inputs);
  CHECK(state.states.contains(marked));
  CHECK(state.states.contains({ip("10.0.0.40"), 0x1abcdef3, {}}));
  CHECK_FALSE(state.policies.contains(kToWorker2));
  inputs.nodes["worker2"].receives = {next.spi};
  state = settle(inputs);
  CHECK_FALSE(state.states.contains(marked));
  CHECK(spi_in_use(inputs) == 0x1abcdef3);
}

TEST_CASE("to one key for all: the pair's policy is the last to go, after all that replaces it") {
  auto inputs = worker();
  inputs.settings.strict_cidrs = {cidr("10.0.0.0/8")};
  settle(inputs);
  inputs.older_keys = {*inputs.key};
  inputs.key = IpsecKey{.id = 4, .algorithm = seed::gcm(100)};
  for (int i = 0; i < 2; ++i) inputs.programmed = programmed(compute(inputs).state);
  const auto before = compute(inputs).state;
  for (auto& [name, node] : inputs.nodes) node.key_id = 4;
  const auto operations = plan(compute(inputs).state, before);
  const auto at = [&](const std::string& text) {
    size_t i = 0;
    while (i < operations.size() && describe(operations[i]) != text) ++i;
    CAPTURE(text);
    REQUIRE(i < operations.size());
    return i;
  };
  const auto pass =
      at("add policy src 10.0.1.0/24 dst 10.0.0.0/24 dir out priority 72 mark 0/0x800 "
         "action allow");
  const auto mark = at("replace peer 10.0.0.0/24 key 4");
  const auto route = at("add route 10.0.0.0/24 dev cilium_host table 214 src 10.0.1.138");
  const auto last =
      at("remove policy src 10.0.1.0/24 dst 10.0.0.0/24 dir out priority 71 tmpl src "
         "10.0.1.138 dst 10.0.0.40 proto esp spi 0x100018a3 reqid 1 mode tunnel");
  CHECK(std::max({pass, mark, route}) < last);
}

TEST_CASE("what is forwarded from pods whose node encrypts has to come out of that node's state") {
  auto inputs = worker();
  inputs.nodes["worker2"].encrypts_pods = true;
  const auto forwarding = [&] {
    Table<Policy> found;
    for (const auto& [key, policy] : settle(inputs).policies) {
      if (key.direction == Direction::fwd && key.src.length() > 0) found[key] = policy;
    }
    return found;
  };
  const Policy::Key at{Direction::fwd, cidr("10.0.0.0/24"), cidr("10.0.1.0/24"), {0, 0xf00}};
  const Policy::Template of_peer{ip("10.0.0.40"), ip("10.0.1.138"), 0, kReqId, false};
  CHECK(forwarding() == Table<Policy>{{at, {.priority = 2974, .tmpl = of_peer}}});

  inputs.settings.strict_ingress = ClearText::is_observed;
  CHECK(forwarding().empty());
  inputs.settings.strict_ingress = ClearText::is_dropped;
  // A state shared by all nodes does not identify a packet's sender.
  inputs.older_keys = {IpsecKey{.id = 2, .algorithm = seed::gcm()}};
  CHECK(forwarding().empty());
  inputs.older_keys.clear();
  inputs.inherited_keys = {2};
  CHECK(forwarding().empty());
}

}  // namespace pellicle::this_file
