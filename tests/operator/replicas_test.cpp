#include <algorithm>
#include <random>
#include <thread>

#include "tests/harness/api/seed.h"
#include "tests/harness/catch.h"
#include "tests/operator/replicas.h"

namespace this_file {

using namespace pellicle;
using namespace std::chrono_literals;

namespace {

std::string name(size_t number) {
  return "node-" + std::to_string(number);
}

std::set<std::string> values(const std::map<std::string, std::string>& assigned) {
  std::set<std::string> all;
  for (const auto& [node, cidr] : assigned) all.insert(cidr);
  return all;
}

}  // namespace

TEST_CASE("300 nodes come and go under two replicas that are killed at random") {
  Replicas cluster("10.0.0.0/8");
  std::mt19937 random(7);
  const auto pick = [&](size_t below) { return random() % below; };
  cluster.start("a");
  cluster.start("b");
  std::set<size_t> alive;
  const auto churn = [&] {
    for (int i = 0; i < 60; ++i) {
      const size_t number = pick(300);
      if (alive.insert(number).second) {
        cluster.register_node(name(number));
      } else if (pick(3) == 0) {
        cluster.api.remove(api::node_key(name(number)));
        alive.erase(number);
      } else if (pick(2) == 0) {  // deleted and created again before a replica sees it
        cluster.api.remove(api::node_key(name(number)));
        cluster.register_node(name(number));
      }
    }
  };
  for (int death = 0; death < 6; ++death) {
    REQUIRE(lab::wait_until([&] { return !cluster.acting().empty(); }, 60s));
    churn();
    std::this_thread::sleep_for(std::chrono::milliseconds(pick(2000)));  // in the middle of writes
    const std::string victim = pick(4) != 0 ? cluster.acting() : pick(2) == 0 ? "a" : "b";
    if (victim.empty()) continue;
    cluster.kill(victim);
    churn();
    cluster.start(victim);
  }
  for (size_t number = 0; number < 300; ++number) {
    if (alive.insert(number).second) cluster.register_node(name(number));
  }
  REQUIRE(cluster.wait_until_assigned(300, 300s));
  CHECK(values(cluster.assigned()).size() == 300);
  CHECK(complaints(cluster.api) == std::vector<std::string>{});
  CHECK(cluster.events("CIDRNotAvailable").empty());
}

TEST_CASE("the replica that acts is killed: the other takes over, and nothing changes for Nodes") {
  Replicas cluster("10.0.0.0/8");
  cluster.start("a");
  REQUIRE(lab::wait_until([&] { return cluster.acting() == "a"; }, 30s));
  cluster.start("b");
  for (size_t i = 0; i < 20; ++i) cluster.register_node(name(i));
  REQUIRE(cluster.wait_until_assigned(20));
  const auto before = cluster.assigned();
  cluster.kill("a");
  for (size_t i = 20; i < 40; ++i) cluster.register_node(name(i));
  REQUIRE(cluster.wait_until_assigned(40));
  CHECK(cluster.acting() == "b");
  const auto after = cluster.assigned();
  CHECK(std::includes(after.begin(), after.end(), before.begin(), before.end()));
  CHECK(complaints(cluster.api).empty());
}

TEST_CASE(
    "a replica that is stopped gives the Lease back, and the next acts without waiting for it") {
  Replicas cluster("10.0.0.0/8", 600);
  cluster.start("a");
  REQUIRE(lab::wait_until([&] { return cluster.acting() == "a"; }, 30s));
  cluster.start("b");
  const int status = cluster.stop("a");
  INFO(cluster.log("a"));
  CHECK(status == 0);
  CHECK(lab::wait_until([&] { return cluster.acting() == "b"; }, 30s));
}

TEST_CASE("a replica that is stopped while it takes the Lease gives it back as well") {
  Replicas cluster("10.0.0.0/8", 600);
  cluster.api.inject({.kind = api::FaultKind::late,
                      .delay = std::chrono::seconds(2),
                      .verb = "create",
                      .resource = "leases"});
  cluster.start("a");
  REQUIRE(lab::wait_until([&] { return cluster.acting() == "a"; }, 30s));
  CHECK(cluster.stop("a") == 0);
  cluster.start("b");
  CHECK(lab::wait_until([&] { return cluster.acting() == "b"; }, 30s));
}

TEST_CASE("what Nodes say survives a restart of everything, whoever wrote it") {
  Replicas cluster("10.0.0.0/8");
  for (const auto& node : api::kSeedNodes) cluster.api.create(api::node_object(node));
  cluster.register_node("fresh");
  cluster.start("a");
  REQUIRE(lab::wait_until([&] { return cluster.assigned().contains("fresh"); }, 60s));
  CHECK(cluster.assigned().at("fresh") == "10.0.3.0/24");
  cluster.kill("a");
  cluster.register_node("later");
  cluster.start("a");
  REQUIRE(lab::wait_until([&] { return cluster.assigned().contains("later"); }, 60s));
  CHECK(cluster.assigned().at("later") == "10.0.4.0/24");
  CHECK(complaints(cluster.api).empty());
}

TEST_CASE("what a Node had that is gone is not given out after a restart either") {
  Replicas cluster("10.0.0.0/8");
  cluster.start("a");
  for (size_t i = 0; i < 3; ++i) cluster.register_node(name(i));
  REQUIRE(cluster.wait_until_assigned(3, 60s));
  const auto before = cluster.assigned();
  const auto recorded = [&] {
    const auto lease = cluster.api.get(api::lease_key("kube-system", "pellicle-operator"));
    return lease && lease->dump().find("10.0.0.0/24+3") != std::string::npos;
  };
  REQUIRE(lab::wait_until(recorded, 30s));
  cluster.kill("a");
  for (size_t i = 0; i < 3; ++i)
    cluster.api.remove(api::node_key(name(i)));  // while no replica runs
  cluster.register_node("anew");
  cluster.start("a");
  REQUIRE(cluster.wait_until_assigned(1, 60s));
  CHECK(cluster.assigned().at("anew") == "10.0.3.0/24");
  CHECK(before.size() == 3);
}

TEST_CASE("a full pool is said on the Nodes that get nothing, until there is room") {
  Replicas cluster("10.0.0.0/22");
  cluster.start("a");
  for (size_t i = 0; i < 6; ++i) cluster.register_node(name(i));
  REQUIRE(cluster.wait_until_assigned(4, 60s));
  REQUIRE(lab::wait_until([&] { return cluster.events("CIDRNotAvailable").size() == 2; }, 30s));
  const auto before = cluster.assigned();
  for (const auto& node : cluster.events("CIDRNotAvailable")) CHECK_FALSE(before.contains(node));
  cluster.api.remove(api::node_key(before.begin()->first));
  cluster.api.remove(api::node_key(before.rbegin()->first));
  REQUIRE(cluster.wait_until_assigned(4, 60s));
  CHECK(cluster.events("CIDRNotAvailable").size() == 2);  // once per Node
  CHECK(complaints(cluster.api).empty());
}

TEST_CASE("a write whose answer is lost, refused or late is neither lost nor made twice") {
  Replicas cluster("10.0.0.0/8");
  for (const int status : {500, 503, 429, 409}) {
    cluster.api.inject({.kind = api::FaultKind::answer, .status = status, .verb = "patch"});
  }
  // The fixture resets the first PATCH before carrying it out, and cuts off the answer to the
  // second after carrying it out.
  cluster.api.inject({.kind = api::FaultKind::reset, .verb = "patch"});
  cluster.api.inject({.kind = api::FaultKind::truncate, .verb = "patch"});
  cluster.start("a");
  for (size_t i = 0; i < 30; ++i) cluster.register_node(name(i));
  REQUIRE(cluster.wait_until_assigned(30));
  CHECK(values(cluster.assigned()).size() == 30);
  CHECK(complaints(cluster.api).empty());
}

}  // namespace this_file
