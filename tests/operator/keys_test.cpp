// Scheduled key replacement: what the operator writes, when, which replica, and what it logs.
#include <algorithm>
#include <random>
#include <thread>

#include "agent/clock.h"
#include "agent/kube/decode.h"
#include "tests/harness/api/encoding.h"
#include "tests/harness/api/seed.h"
#include "tests/harness/catch.h"
#include "tests/operator/replicas.h"

namespace this_file {

using namespace pellicle;
using namespace std::chrono_literals;
using lab::wait_until;

namespace {

const api::ObjectKey kSecret = api::secret_key("kube-system", "cilium-ipsec-keys");
constexpr const char* kSince = "pellicle.io/key-since";
constexpr const char* kNodes[] = {"worker", "worker2"};

// Two Nodes with the seed's key 3, and one on which no agent ever ran.
struct Cluster : Replicas {
  Cluster()
      : Replicas({"--rotate-every", "30d", "--rotate-at-sequence", "50", "--rotate-look-period",
                  "0.3"}) {
    for (const auto* node : kNodes) {
      register_node(node);
      annotate(node, "network.cilium.io/encryption-key", "3");
    }
    register_node("empty");
    api.create(api::key_secret(api::kSeedKeyLine));
  }

  void annotate(const std::string& node, const std::string& name, const std::string& value) {
    api.patch(api::node_key(node), {{"metadata", {{"annotations", {{name, value}}}}}});
  }
  void all_take(int id) {
    for (const auto* node : kNodes) {
      annotate(node, "network.cilium.io/encryption-key", std::to_string(id));
    }
  }
  void date_key(const std::string& since) {
    api.patch(kSecret, {{"metadata", {{"annotations", {{kSince, since}}}}}});
  }

  std::string line() const {
    return api::from_base64(api.get(kSecret).value()["data"]["keys"].get<std::string>()).value();
  }
  IpsecKey key() const { return decode_keys(line()).key.value(); }
  std::string since() const {
    const auto secret = api.get(kSecret).value();
    const auto pointer = api::Json::json_pointer("/metadata/annotations/pellicle.io~1key-since");
    return secret.value(pointer, "");
  }
  bool becomes(int id) {
    if (wait_until([&] { return key().id == id; }, 60s)) return true;
    UNSCOPED_INFO("a said:\n" << log("a"));
    return false;
  }
  bool says(const std::string& words) {
    const bool said = wait_until([&] { return log("a").find(words) != std::string::npos; }, 60s);
    if (!said) UNSCOPED_INFO("a said:\n" << log("a"));
    return said;
  }
  void check_no_key_in_logs(const std::string& key_line) {
    const auto hex = key_line.substr(key_line.find("gcm(aes)) ") + 10, 40);
    for (const auto* name : {"a", "b"}) CHECK(log(name).find(hex) == std::string::npos);
  }
};

}  // namespace

TEST_CASE("keys: one that nobody dated is dated, and one that is old enough is replaced") {
  Cluster cluster;
  cluster.start("a");
  REQUIRE(wait_until([&] { return !cluster.since().empty(); }, 60s));
  CHECK(cluster.since().starts_with("3 20"));
  CHECK(cluster.key().id == 3);
  CHECK(cluster.line() == api::kSeedKeyLine);

  cluster.date_key("3 2026-01-01T00:00:00Z");
  REQUIRE(cluster.becomes(4));
  CHECK(cluster.since().starts_with("4 20"));
  CHECK(cluster.since() != "4 2026-01-01T00:00:00Z");
  const auto before = decode_keys(api::kSeedKeyLine).key.value();
  CHECK(algorithm_name(cluster.key().algorithm) == algorithm_name(before.algorithm));
  CHECK(cluster.key().algorithm != before.algorithm);
  CHECK(cluster.says("key replaced"));
  cluster.check_no_key_in_logs(cluster.line());
  cluster.check_no_key_in_logs(api::kSeedKeyLine);
}

TEST_CASE("keys: sequence numbers that run out replace one that is young") {
  Cluster cluster;
  cluster.start("a");
  REQUIRE(wait_until([&] { return !cluster.since().empty(); }, 60s));
  cluster.annotate("worker2", "pellicle.io/sequence-used", "3/40");
  std::this_thread::sleep_for(2s);
  CHECK(cluster.key().id == 3);
  cluster.annotate("worker2", "pellicle.io/sequence-used", "3/50");
  REQUIRE(cluster.becomes(4));
  CHECK(cluster.says("worker2 has used 50 percent of the sequence numbers"));
}

TEST_CASE(
    "keys: nothing is replaced before every node has the last one, and who lacks it is named") {
  Cluster cluster;
  cluster.annotate("worker2", "network.cilium.io/encryption-key", "2");
  cluster.date_key("3 2026-01-01T00:00:00Z");
  cluster.start("a");
  CHECK(cluster.says("but worker2 has not taken it yet"));
  CHECK(cluster.key().id == 3);
  cluster.api.remove(api::node_key("worker2"));
  CHECK(cluster.becomes(4));
}

TEST_CASE("keys: of two replicas that die at random each rotation is made by one, once") {
  Cluster cluster;
  std::mt19937 random(11);
  cluster.start("a");
  cluster.start("b");
  for (int id = 4; id < 8; ++id) {
    cluster.date_key(std::to_string(id - 1) + " 2026-01-01T00:00:00Z");
    if (id % 2 == 0) {
      REQUIRE(wait_until([&] { return !cluster.acting().empty(); }, 60s));
      std::this_thread::sleep_for(std::chrono::milliseconds(random() % 600));
      const auto victim = cluster.acting();
      if (!victim.empty()) {
        cluster.kill(victim);
        cluster.start(victim);
      }
    }
    REQUIRE(cluster.becomes(id));
    std::this_thread::sleep_for(1s);  // time for a second, wrong replacement
    CHECK(cluster.key().id == id);
    cluster.all_take(id);
  }
  cluster.check_no_key_in_logs(cluster.line());
}

}  // namespace this_file
