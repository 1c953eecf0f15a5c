// Causes on this node that explain why another node is unreachable.
#include "agent/health/causes.h"

#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"

namespace this_file {

using namespace pellicle;
using Catch::Matchers::Contains;
using seed::cidr;
using seed::ip;

namespace {

const std::pair kWorker2("worker2", Family::v4);

struct World {
  Inputs inputs = seed::worker();
  Cluster cluster = pellicle::cluster(inputs);
  std::vector<Refusal> refusals;
  std::string failure;
  std::vector<Problem> problems;
  bool key_taken = true;

  OwnCauses causes() const {
    return own_causes({.cluster = cluster,
                       .refusals = refusals,
                       .failure = failure,
                       .problems = problems,
                       .key_taken = key_taken});
  }
  void refuse(Operation operation) {
    refusals.push_back({std::move(operation), 101, "Nexthop has invalid gateway"});
  }
};

}  // namespace

TEST_CASE("causes: a node where all is well knows of none") {
  const auto causes = World().causes();
  CHECK(causes.here.empty());
  CHECK(causes.towards.empty());
  CHECK(causes.network.empty());
}

TEST_CASE("causes: a refused object of one peer is the cause towards that peer alone") {
  const auto policy = [](const char* dst) {
    return Policy::Key{.src = cidr("10.0.1.0/24"), .dst = cidr(dst), .mark = Mark{0x3e00, 0xff00}};
  };
  using enum Action;
  const std::vector<Operation> operations = {
      Change<Route>{add, {254, cidr("10.0.0.0/24")}, {.dev = "eth0"}},
      Change<Policy>{add, policy("10.0.0.0/24"), {}},
      Change<Policy>{add, policy("172.18.0.4/32"), {}},
      Change<State>{add, {.dst = ip("10.0.0.40"), .spi = 3}, {}},
      Change<PeerEntry>{replace, {cidr("10.0.0.0/24")}, {}},
  };
  for (const auto& operation : operations) {
    World world;
    world.refuse(operation);
    const auto causes = world.causes();
    INFO(describe(operation));
    CHECK(causes.here.empty());
    REQUIRE(causes.towards.size() == 1);
    CHECK_THAT(causes.towards.at(kWorker2), Contains("the kernel refuses to ") &&
                                                Contains(describe(operation)) &&
                                                Contains("(Nexthop has invalid gateway)"));
  }
}

TEST_CASE("causes: a refused object that all depend on is the cause towards all") {
  using enum Action;
  const std::vector<Operation> operations = {
      Change<State>{add, {.dst = ip("10.0.1.138"), .spi = 3, .mark = kDecryptMark}, {}},
      Change<Rule>{add, {.priority = 1, .table = 200}, {}},
      Change<Route>{add, {200, cidr("10.0.1.0/24")}, {.type = RouteType::local, .dev = "eth0"}},
      Change<Attachment>{add, {"eth0", true}, {.program = "pell_uplink_in"}},
      Change<VethPair>{add, {"cilium_host"}, {}},
  };
  for (const auto& operation : operations) {
    World world;
    world.refuse(operation);
    INFO(describe(operation));
    CHECK_THAT(world.causes().here, Contains(describe(operation)));
    CHECK(world.causes().towards.empty());
  }
}

TEST_CASE("causes: what a pod lacks and what cannot be removed explain nothing") {
  World world;
  using enum Action;
  world.refuse(Change<EndpointEntry>{add, {ip("10.0.1.52")}, {}});
  world.refuse(Change<Attachment>{add, {"lxc0123456789ab", true}, {.program = "pell_lxc_in"}});
  world.refuse(Change<PeerEntry>{add, {cidr("10.0.9.0/24")}, {}});
  world.refuse(Change<Route>{remove, {254, cidr("10.0.0.0/24")}, {.dev = "eth0"}});
  CHECK(world.causes().here.empty());
  CHECK(world.causes().towards.empty());
}

TEST_CASE("causes: a way to a peer that there is none of") {
  World world;
  auto& peer = world.cluster.peers.at(1);
  REQUIRE(peer.name == "worker2");
  peer.next_hop = NextHop{.device = {}, .gateway = {}, .obstacle = "Network is unreachable"};
  CHECK_THAT(world.causes().towards.at(kWorker2), Contains("no route to 172.18.0.4"));
  peer.next_hop = NextHop{.device = "eth0", .gateway = ip("172.18.0.1")};
  CHECK(world.causes().towards.empty());
  CHECK_THAT(world.causes().network.at(kWorker2), Contains("172.18.0.1 must route 10.0.0.0/24"));
}

TEST_CASE(
    "causes: this node's own problems explain, what is said of others and of files does not") {
  World world;
  world.problems = {{"Node worker2", "spec.podCIDR", "no IPv4 PodCIDR"},
                    {"Node worker3", "metadata", "another"},
                    {"File /run/pellicle/ledger.json", "", "is damaged"},
                    {"Setting health-address", "", "is taken"},
                    {"Secret kube-system/cilium-ipsec-keys", "data.keys", "hmac(md5) is weak"}};
  CHECK(world.causes().here.empty());
  world.key_taken = false;
  CHECK_THAT(world.causes().here, Contains("Secret kube-system/cilium-ipsec-keys data.keys"));
  world.problems = {{"Kernel contested", "", "somebody undoes"}};
  CHECK(world.causes().here == "Kernel contested: somebody undoes");
  world.problems = {{"Firewall", "filter FORWARD", "refuses all"}};
  CHECK(world.causes().here == "Firewall filter FORWARD: refuses all");
  world.problems = {{"Node worker", "spec.podCIDR", "overlaps"}};
  CHECK(world.causes().here == "Node worker spec.podCIDR: overlaps");
  world.failure = "read the kernel's state: Operation not permitted";
  CHECK_THAT(world.causes().here, Contains("no pass succeeds (read the kernel's state"));
}

}  // namespace this_file
