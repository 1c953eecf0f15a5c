#include "agent/passes.h"

#include <cerrno>

#include "agent/desired/next_hops.h"
#include "tests/harness/catch.h"
#include "tests/harness/memory_kernel/memory_kernel.h"

namespace this_file {

using namespace pellicle;
using namespace std::chrono_literals;

namespace {

IpAddress ip(const char* text) {
  return *IpAddress::parse(text);
}

Node node(const std::string& name, const char* cidr, const char* internal, const char* router) {
  return {.name = name,
          .created = "2026-01-01T00:00:00Z",
          .pod_cidrs = {*Cidr::parse(cidr)},
          .internal_ipv4 = ip(internal),
          .router_ipv4 = ip(router),
          .key_id = uint8_t{3}};
}

// A worker with one peer, on an in-memory kernel.
struct World {
  explicit World(std::chrono::seconds resync = 3600s) : resync_(resync) {
    kernel.add_device("eth0", {.mtu = 1500, .addresses = {{ip("172.18.0.3"), 16}}});
    for (const auto* program :
         {"pell_lxc_in", "pell_uplink_in", "pell_net_in", "pell_host_out", "pell_uplink_out"}) {
      kernel.program_tags[program] = "0123456789abcdef";
    }
    inputs.settings.node_name = "worker";
    inputs.nodes["worker"] = node("worker", "10.0.1.0/24", "172.18.0.3", "10.0.1.138");
    inputs.nodes["worker2"] = node("worker2", "10.0.0.0/24", "172.18.0.4", "10.0.0.40");
    inputs.key = IpsecKey{.id = 3,
                          .algorithm = Aead{.name = "rfc4106(gcm(aes))",
                                            .key = SecretBytes(std::vector<uint8_t>(20, 7)),
                                            .icv_bits = 128}};
  }

  // Runs the loop for `time`; it never runs out of work, because a resync is always due.
  void run_for(std::chrono::milliseconds time) {
    context.restart();
    context.run_for(time);
  }

  std::chrono::seconds resync_;
  boost::asio::io_context context;
  MemoryKernel kernel;
  Inputs inputs;
  bool known = true;
  Scope scope = Scope::everything;
  bool permits = true;
  size_t refused = 0;
  int after = 0;
  Passes passes{
      context,
      kernel,
      resync_,
      {.gather = [this]() -> std::optional<Inputs> {
         if (!known) return std::nullopt;
         auto gathered = inputs;
         gathered.host = kernel.facts();
         gathered.next_hops = kernel.next_hops(next_hop_questions(gathered));
         return gathered;
       },
       .permit = [this](const Plan&) { return permits; },
       .refused = [this](const std::vector<Refusal>& refusals) { refused += refusals.size(); },
       .scope = [this] { return scope; },
       .after = [this] { ++after; }}};
};

}  // namespace

TEST_CASE("passes: many requests are one pass, and it brings the kernel to the desired state") {
  World world;
  for (int i = 0; i < 10; ++i) world.passes.request();
  world.run_for(60ms);
  CHECK(world.passes.last().passes == 1);
  CHECK(world.after == 1);
  CHECK(world.passes.last().ready);
  CHECK(world.kernel.dump() == world.passes.last().desired.state);
  CHECK(world.passes.preview().empty());
}

TEST_CASE("passes: a peer is held back while the kernel refuses the policy that encrypts to it") {
  World world;
  const auto to_peer = [&](uint32_t table, uint32_t metric) {
    return world.kernel.dump().routes.contains({table, *Cidr::parse("10.0.0.0/24"), metric});
  };
  world.inputs.key->per_pair = true;  // no key can be derived: the policy blocks
  const Policy::Key key{
      Direction::out, *Cidr::parse("10.0.1.0/24"), *Cidr::parse("10.0.0.0/24"), {}};
  world.kernel.foreign.policies[key] = {};
  CHECK(world.passes.run().size() == 1);
  CHECK(to_peer(kMarkPodsTable, kBehindMetric));
  CHECK_FALSE(to_peer(kMarkPodsTable, 0));
  CHECK(world.passes.last().desired.state.rules.size() == 7);
  CHECK(world.passes.preview().size() == 1);
  CHECK(world.passes.run().size() == 1);
  CHECK(to_peer(kMarkPodsTable, kBehindMetric));

  world.kernel.foreign = {};
  CHECK(world.passes.run().empty());
  CHECK_FALSE(to_peer(kMarkPodsTable, kBehindMetric));
  CHECK(to_peer(kMainTable, 0));
  CHECK(world.passes.preview().empty());
}

TEST_CASE("passes: before everything was listed only what needs no knowledge is put right") {
  World world;
  world.known = false;
  world.passes.begin();
  CHECK(world.after == 1);
  const auto actual = world.kernel.dump();
  CHECK(actual == KernelState{.block_policies = actual.block_policies});
  CHECK(actual.block_policies.size() == 2);
  CHECK_FALSE(world.passes.last().ready);
  CHECK(world.passes.last().passes == 0);
  world.passes.begin();
  CHECK(world.kernel.dump() == actual);
}

TEST_CASE("passes: before everything was listed what is there stays, and a refusal is met again") {
  World world;
  world.passes.run();
  const auto before = world.kernel.dump();
  world.known = false;
  world.kernel.apply(plan({}, {.block_policies = before.block_policies}));
  world.kernel.faults = {.refuse_every = 1, .refuse_with = EPERM};
  world.passes.begin();
  CHECK_FALSE(world.passes.last().refusals.empty());
  world.kernel.faults = {};
  world.run_for(1200ms);
  CHECK(world.passes.last().refusals.empty());
  CHECK(world.kernel.dump() == before);
}

TEST_CASE("passes: a node that is not known any more loses nothing") {
  World world;
  world.passes.run();
  const auto before = world.kernel.dump();
  world.inputs.nodes.erase("worker");
  world.passes.run();
  CHECK(world.kernel.dump() == before);
  CHECK_FALSE(world.passes.last().ready);
  CHECK_FALSE(world.passes.last().desired.problems.empty());
}

TEST_CASE("passes: while the key is withheld nothing is changed or removed") {
  World world;
  world.passes.run();
  const auto before = world.kernel.dump();
  REQUIRE_FALSE(before.states.empty());
  world.inputs.key.reset();
  world.scope = Scope::additions;
  world.passes.run();
  CHECK(world.kernel.dump() == before);
  world.scope = Scope::everything;
  world.passes.run();
  CHECK(world.kernel.dump().states.empty());
}

TEST_CASE("passes: what was refused is tried again until it is there") {
  World world;
  world.kernel.faults = {.refuse_every = 1, .refuse_with = EPERM};
  world.passes.request();
  world.run_for(60ms);
  CHECK_FALSE(world.passes.last().refusals.empty());
  CHECK_FALSE(world.passes.last().ready);
  CHECK(world.passes.last().failing_since != Clock::time_point{});
  world.kernel.faults = {};
  world.run_for(1200ms);  // the first retry comes after a second
  CHECK(world.passes.last().refusals.empty());
  CHECK(world.passes.last().ready);
}

TEST_CASE("passes: what is taken away again and again is counted, what is wanted anew is not") {
  World world;
  const auto contested = [&] {
    return world.passes.last().repairs.problem(std::chrono::steady_clock::now());
  };
  for (size_t i = 0; i < Repairs::kMany; ++i) {  // a peer joins and leaves
    world.inputs.nodes["worker2"] = node("worker2", "10.0.0.0/24", "172.18.0.4", "10.0.0.40");
    world.passes.run();
    world.inputs.nodes.erase("worker2");
    world.passes.run();
  }
  CHECK_FALSE(contested());
  KernelState taken;
  taken.rules = world.kernel.dump().rules;
  for (size_t i = 0; i < Repairs::kMany; ++i) {
    CHECK_FALSE(contested());
    REQUIRE(world.kernel.apply(plan({}, taken)).empty());
    world.passes.run();
  }
  REQUIRE(contested());
  CHECK(contested()->sentence.find("'add rule ") != std::string::npos);
}

TEST_CASE("passes: a kernel that cannot be read is said, and read again") {
  World world;
  world.kernel.faults.fail_dump = 1;
  world.passes.request();
  world.run_for(60ms);
  CHECK_FALSE(world.passes.last().failure.empty());
  world.run_for(1200ms);
  CHECK(world.passes.last().failure.empty());
  CHECK(world.passes.last().ready);
}

namespace {

const Node kJoining = node("worker3", "10.0.3.0/24", "172.18.0.5", "10.0.3.1");

}  // namespace

TEST_CASE("passes: a peer's change is made without a look at the kernel, and one follows") {
  World world;
  world.passes.run();
  world.inputs.nodes["worker3"] = kJoining;
  world.kernel.faults.fail_dump = 1;
  world.passes.peer_changed("worker3", kJoining);
  CHECK(world.passes.last().peer_changes == 1);
  world.kernel.faults = {};
  CHECK(world.kernel.dump() == world.passes.last().desired.state);
  CHECK(world.passes.preview().empty());
  CHECK(world.passes.last().desired.cluster.peers.size() == 2);

  world.inputs.nodes.erase("worker3");
  world.passes.peer_changed("worker3", std::nullopt);
  CHECK(world.passes.last().peer_changes == 2);
  CHECK(world.passes.last().passes == 1);
  CHECK(world.passes.preview().empty());
  world.run_for(1200ms);
  CHECK(world.passes.last().passes == 2);
}

TEST_CASE("passes: a peer's change waits for a pass where something was left undone") {
  World world;
  world.passes.peer_changed("worker3", kJoining);  // before any inputs are known
  CHECK(world.kernel.log.empty());
  world.kernel.faults = {.refuse_every = 5, .refuse_with = EPERM};
  world.passes.run();
  const auto tried = world.kernel.log.size();
  CHECK(world.refused == world.passes.last().refusals.size());
  CHECK(world.refused > 0);
  world.kernel.faults = {};
  world.inputs.nodes["worker3"] = kJoining;
  world.passes.peer_changed("worker3", kJoining);
  CHECK(world.kernel.log.size() == tried);
  world.run_for(60ms);
  CHECK(world.passes.last().peer_changes == 0);
  CHECK(world.passes.preview().empty());
}

TEST_CASE("passes: a peer's change that was refused or not permitted is a pass's to make") {
  World world;
  world.passes.run();
  const auto tried = world.kernel.log.size();
  world.inputs.nodes["worker3"] = kJoining;
  world.permits = false;
  world.passes.peer_changed("worker3", kJoining);
  CHECK(world.kernel.log.size() == tried);
  world.run_for(60ms);
  CHECK(world.passes.preview().empty());

  world.permits = true;
  world.inputs.nodes.erase("worker3");
  world.kernel.faults = {.refuse_every = 1, .refuse_with = EPERM};
  world.passes.peer_changed("worker3", std::nullopt);
  CHECK(world.refused > 0);
  CHECK_FALSE(world.passes.last().settled);
  world.kernel.faults = {};
  world.run_for(60ms);
  CHECK(world.passes.last().peer_changes == 0);
  CHECK(world.passes.preview().empty());
}

TEST_CASE("passes: what one peer or one pod lacks does not stop the node") {
  const auto out = Change<State>{.key = {.mark = encrypt_mark(3)}};
  const auto in = Change<State>{.key = {.mark = kDecryptMark}};
  CHECK_FALSE(essential(out));
  CHECK(essential(in));
  CHECK_FALSE(essential(
      Change<Attachment>{.key = {.dev = "lxc0123456789ab"}, .value = {.program = "pell_lxc_in"}}));
  CHECK(essential(
      Change<Attachment>{.key = {.dev = "eth0"}, .value = {.program = "pell_uplink_in"}}));
  CHECK(essential(Change<Policy>{.key = {.direction = Direction::out, .mark = kEncryptMark},
                                 .value = {.block = true}}));
  CHECK_FALSE(essential(Change<Policy>{.key = {.direction = Direction::out}}));
  CHECK(essential(Change<VethPair>{}));
  CHECK_FALSE(essential(Change<NetfilterChain>{}));
}

TEST_CASE("passes: what costs more is compared less often while nothing happens, to a limit") {
  CHECK(pause_of_idle(0us) == 30s);
  CHECK(pause_of_idle(30ms) == 30s);
  CHECK(pause_of_idle(30'001us) == 31s);
  CHECK(pause_of_idle(225ms) == 225s);
  CHECK(pause_of_idle(4s) == 300s);
}

TEST_CASE("passes: without an interval the next comparison follows its cost, not at once") {
  World world(0s);
  world.passes.request();
  world.run_for(300ms);
  CHECK(world.passes.last().passes > 0);
  CHECK(world.passes.last().passes < 5);
}

TEST_CASE("passes: the way to a Node that joins is asked for without a pass") {
  World world;
  world.passes.run();
  world.kernel.ways[ip("172.19.0.5")] = {.device = "eth0", .gateway = ip("172.18.0.1")};
  world.passes.peer_changed("worker3", node("worker3", "10.0.3.0/24", "172.19.0.5", "10.0.3.17"));
  CHECK(world.passes.last().peer_changes == 1);
  const Route::Key key{254, *Cidr::parse("10.0.3.0/24")};
  CHECK(world.kernel.dump().routes.at(key).gateway == ip("172.18.0.1"));
}

}  // namespace this_file
