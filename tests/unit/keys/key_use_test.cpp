// When a node continues with its announced epochs, and when it begins a new one.
#include "agent/keys/key_use.h"

#include <fstream>

#include "agent/desired/peer_change.h"
#include "agent/keys/boot_id.h"
#include "agent/keys/derive.h"
#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"
#include "tests/harness/temporary_directory.h"

namespace this_file {

using namespace pellicle;
using namespace std::chrono_literals;

namespace {

const std::string kBoot = "11111111-1111-1111-1111-111111111111";
const std::string kOther = "22222222-2222-2222-2222-222222222222";

// The seed's worker with pair keys; passes on a kernel that accepts everything.
struct Node1 {
  TemporaryDirectory directory;
  Inputs inputs = seed::worker();
  Desired desired;
  KeyUse use{directory.path(), kBoot};
  KeyUse::Clock clock{.now = KeyUse::Time(100s), .since_boot = 4711};

  Node1() {
    inputs.key->per_pair = true;
    inputs.derive = derive_key;
    for (const auto& [name, spi] :
         {std::pair("worker2", 0x10000010U), {"control-plane", 0x10000020U}}) {
      inputs.nodes[name].boot_id = kOther;
      inputs.nodes[name].epochs = {{.spi = spi}};
    }
  }
  const std::vector<Epoch>& pass() {
    desired = use.prepare(inputs, clock);
    const auto& state = desired.state;
    inputs.programmed = {state.states, state.policies, state.peers};
    return inputs.sender.epochs;
  }
  void publish() {
    inputs.nodes["worker"].boot_id = kBoot;
    inputs.nodes["worker"].epochs = inputs.sender.epochs;
  }
  void restart() { use = KeyUse(directory.path(), kBoot); }
  void settle() {
    pass();
    publish();
    pass();
    clock.now += 2s;
    clock.since_boot += 2000;
    for (int i = 0; i < 3; ++i) pass();
  }
  void lose_states() { inputs.programmed = {}; }
  // Also loses what keys.json remembers.
  void lose_record() { std::filesystem::remove(directory.path() + "/keys.json"); }
};

}  // namespace

TEST_CASE("key use: the first agent of a boot takes the time for its generation") {
  Node1 node;
  CHECK(node.pass().size() == 1);
  CHECK(node.pass()[0].generation == 4711);
  CHECK_FALSE(node.inputs.sender.settled);
}

TEST_CASE("key use: generation 0 where the Node tells of an earlier boot") {
  Node1 node;
  node.inputs.nodes["worker"].boot_id = kOther;
  CHECK(node.pass()[0].generation == 0);
}

TEST_CASE("key use: one second after it saw its own words a node takes them for heard") {
  Node1 node;
  node.pass();
  CHECK_FALSE(node.use.due());
  node.publish();
  node.pass();
  CHECK_FALSE(node.inputs.sender.settled);
  CHECK(node.use.due() == node.clock.now + 1s);
  node.clock.now += 1s;
  node.pass();
  CHECK(node.inputs.sender.settled);
  CHECK(node.inputs.nodes.size() == 3);
}

TEST_CASE("key use: a restart goes on, whether the record or the kernel's states are there") {
  Node1 node;
  node.settle();
  const auto epochs = node.inputs.sender.epochs;
  node.restart();
  CHECK(node.pass() == epochs);
}

TEST_CASE("key use: states that are gone are not made again with the same key") {
  Node1 node;
  node.settle();
  const auto before = node.inputs.sender.epochs;
  node.lose_states();
  const auto& after = node.pass();
  REQUIRE(after.size() == 2);
  CHECK(after.front() == before.front());
  CHECK(after.back().generation > before.back().generation);
  CHECK(after.back().spi != before.back().spi);
}

TEST_CASE("key use: without states at the start it begins anew, with a record and without") {
  for (const bool record : {true, false}) {
    Node1 node;
    node.settle();
    const auto before = node.inputs.sender.epochs;
    node.lose_states();
    if (!record) node.lose_record();
    node.restart();
    const auto& after = node.pass();
    REQUIRE(after.size() == 1);
    CHECK(after[0].generation > before[0].generation);
    CHECK(after[0].spi != before[0].spi);
  }
}

TEST_CASE("key use: with states but no record they stay, and another epoch takes their place") {
  Node1 node;
  node.settle();
  const auto before = node.inputs.sender.epochs;
  node.lose_record();
  node.restart();
  const auto& after = node.pass();
  REQUIRE(after.size() == 2);
  CHECK(after[0] == before[0]);
}

TEST_CASE("key use: a peer that comes back costs an epoch only if its state was lost meanwhile") {
  Node1 node;
  const auto peer = node.inputs.nodes["worker2"];
  node.inputs.nodes.erase("worker2");
  node.settle();
  node.inputs.nodes["worker2"] = peer;
  CHECK(node.pass().size() == 1);
  node.settle();
  const auto states = node.desired.state.states;
  node.inputs.nodes.erase("worker2");
  node.pass();
  const State::Key sending{.dst = *peer.router_ipv4, .spi = node.inputs.sender.epochs[0].spi_of(3)};
  REQUIRE(states.contains(sending));
  CHECK(node.desired.state.states.at(sending) == states.at(sending));
  CHECK(node.desired.state.peers.size() == 1);
  node.inputs.nodes["worker2"] = peer;
  CHECK(node.pass().size() == 1);
  CHECK(node.desired.state.states == states);

  node.inputs.nodes.erase("worker2");
  node.pass();
  node.inputs.programmed.states.erase(sending);
  node.pass();
  node.inputs.nodes["worker2"] = peer;
  CHECK(node.pass().size() == 2);
}

TEST_CASE("key use: the state of a peer that is gone ends with its epoch and with its key") {
  Node1 node;
  node.settle();
  const auto gone = *node.inputs.nodes["worker2"].router_ipv4;
  node.inputs.nodes.erase("worker2");
  node.pass();
  const auto to_it = [&] {
    const auto& states = node.desired.state.states;
    return std::count_if(states.begin(), states.end(),
                         [&](const auto& entry) { return entry.first.dst == gone; });
  };
  CHECK(to_it() == 1);
  node.inputs.older_keys = {*node.inputs.key};
  node.inputs.key = IpsecKey{.id = 4, .algorithm = seed::gcm(99), .per_pair = true};
  node.pass();
  CHECK(to_it() == 1);
  node.inputs.older_keys.clear();
  node.pass();
  CHECK(to_it() == 0);
}

TEST_CASE("key use: bytes of a retired key that come back cost an epoch") {
  Node1 node;
  node.settle();
  const auto first = *node.inputs.key;
  node.inputs.key = IpsecKey{.id = 4, .algorithm = seed::gcm(99), .per_pair = true};
  CHECK(node.pass().size() == 1);
  node.use.retired(first);
  node.inputs.key = first;
  node.inputs.key->id = 5;
  CHECK(node.pass().size() == 2);
}

TEST_CASE("key use: what the kernel refused to make was not used") {
  Node1 node;
  node.settle();
  node.inputs.key = IpsecKey{.id = 4, .algorithm = seed::gcm(99), .per_pair = true};
  node.use.prepare(node.inputs, node.clock);
  for (const auto& [key, state] : compute(node.inputs).state.states) {
    if (key_id_of(key) == 4) node.use.not_made(node.inputs, {Action::add, key, state});
  }
  CHECK(node.pass().size() == 1);
}

TEST_CASE("key use: a node whose SPI an older one has looks for another") {
  Node1 node;
  node.settle();
  const auto mine = node.inputs.sender.epochs[0];
  node.inputs.nodes["control-plane"].epochs = {{.spi = mine.spi}};
  const auto& after = node.pass();
  REQUIRE(after.size() == 2);
  CHECK(after[1].spi != mine.spi);
  CHECK_FALSE(node.inputs.sender.settled);
}

TEST_CASE("key use: the record holds no key byte") {
  Node1 node;
  node.settle();
  std::ifstream file(node.directory.path() + "/keys.json");
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  CHECK(text.find(kBoot) != std::string::npos);
  CHECK(text.find("rfc4106") == std::string::npos);
  CHECK(text.size() < 600);
}

TEST_CASE("key use: a damaged record counts as lost") {
  Node1 node;
  node.settle();
  std::ofstream(node.directory.path() + "/keys.json") << "{\"boot_id\": 3, ";
  node.restart();
  CHECK(node.pass().size() == 2);
}

TEST_CASE("boot id: from a file, or one sentence") {
  const TemporaryDirectory directory;
  const auto file = directory.path() + "/boot";
  std::ofstream(file) << kBoot << "\n";
  CHECK(boot_id(file) == kBoot);
  CHECK(boot_id(kBootIdFile).size() == 36);
  CHECK_THROWS_WITH(boot_id(directory.path() + "/none"),
                    Catch::Matchers::Contains("boot-id-file " + directory.path() + "/none"));
}

namespace {

// The plan for a peer that joins, computed by itself.
Plan joining(const Node1& node) {
  auto peer = seed::node("joins", "2023-01-01T00:00:00Z", "10.0.9.0/24", "172.18.0.9", "10.0.9.1");
  peer.boot_id = kOther;
  peer.epochs = {{.spi = 0x10000030}};
  auto last = node.inputs;
  last.programmed = {};
  const auto change = peer_change(last, node.desired, peer.name, peer);
  REQUIRE(change);
  return plan(change->after.state, change->before.state);
}

}  // namespace

TEST_CASE("key use: a peer's keys are written down beside the file before they are used") {
  Node1 node;
  node.settle();
  const auto plan = joining(node);
  const auto whole = node.directory.path() + "/keys.json";
  const auto size = std::filesystem::file_size(whole);
  REQUIRE(node.use.permit(node.inputs, plan));
  CHECK(std::filesystem::file_size(whole) == size);
  CHECK(std::filesystem::exists(whole + ".more"));
  CHECK_FALSE(node.use.permit(node.inputs, plan));  // the counters would restart
  node.restart();
  CHECK_FALSE(node.use.permit(node.inputs, plan));
}

TEST_CASE("key use: what was not made may be made, also when it was a line beside the file") {
  Node1 node;
  node.settle();
  const auto plan = joining(node);
  REQUIRE(node.use.permit(node.inputs, plan));
  size_t sending = 0;
  for (const auto& operation : plan) {
    const auto* change = std::get_if<Change<State>>(&operation);
    if (!change || change->key.mark == kDecryptMark) continue;
    node.use.not_made(node.inputs, *change);
    ++sending;
  }
  CHECK(sending == 1);
  CHECK(node.use.permit(node.inputs, plan));
  node.restart();
  CHECK_FALSE(node.use.permit(node.inputs, plan));
}

TEST_CASE("key use: a plan without pair keys writes nothing") {
  Node1 node;
  node.settle();
  CHECK(node.use.permit(node.inputs, {}));
  const auto without = plan({}, node.desired.state);
  CHECK(node.use.permit(node.inputs, without));
  CHECK_FALSE(std::filesystem::exists(node.directory.path() + "/keys.json.more"));
}

}  // namespace this_file
