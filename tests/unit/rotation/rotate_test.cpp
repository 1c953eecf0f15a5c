// `pellicle key rotate` against a Kubernetes API: what it writes, waits for, prints and returns.
#include "tests/unit/rotation/rotated_cluster.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::ctl;
using namespace pellicle::ctl::rotated;
using namespace std::chrono_literals;

TEST_CASE("rotate: the next key is written, every node is waited for and named") {
  Cluster cluster;
  const auto said = cluster.rotate_with_agents();
  CAPTURE(said.out, said.complaints);
  CHECK(said.status == kOk);
  CHECK(cluster.key().id == 4);
  CHECK(algorithm_name(cluster.key().algorithm) == "rfc4106(gcm(aes)) 128");
  CHECK_FALSE(cluster.key().per_pair);
  CHECK(has(said.out, "before: key 3, rfc4106(gcm(aes)) 128, one key for all nodes\n"));
  CHECK(has(said.out, "now:    key 4, rfc4106(gcm(aes)) 128, one key for all nodes\n"));
  for (const auto* node : kNodes) {
    CHECK(has(said.out, std::string("  ") + node + " has key 4 after "));
  }
  CHECK(said.out.ends_with("done: 3 nodes have key 4\n"));
  CHECK(said.complaints.empty());
  CHECK_FALSE(tells_the_key(said, cluster.line().value()));
  CHECK_FALSE(tells_the_key(said, api::kSeedKeyLine));
}

TEST_CASE("rotate: nothing else of the Secret changes") {
  Cluster cluster;
  const auto name = api::secret_key("kube-system", "cilium-ipsec-keys");
  cluster.api.patch(name, {{"metadata", {{"labels", {{"team", "net"}}}}},
                           {"data", {{"other", api::base64("kept")}}}});
  CHECK(cluster.rotate({.wait = false}).status == kOk);
  const auto secret = cluster.api.get(name).value();
  CHECK(secret["metadata"]["labels"]["team"] == "net");
  CHECK(secret["data"]["other"] == api::base64("kept"));
  CHECK(cluster.key_id() == 4);
}

TEST_CASE("rotate: nodes that do not take the key in time are named, and the status says so") {
  Cluster cluster;
  const auto said = cluster.rotate({}, 2s);
  CAPTURE(said.out, said.complaints);
  CHECK(said.status == kDegraded);
  CHECK(has(said.complaints, "after 2 s 3 nodes do not have the new key"));
  CHECK(has(said.complaints, "\n  control-plane\n  worker\n  worker2\n"));
  CHECK(cluster.key_id() == 4);
  // The next rotation waits for this one.
  const auto second = cluster.rotate();
  CHECK(second.status == kUsage);
  CHECK(
      has(second.complaints, "the rotation to key 4 is still under way: control-plane, worker, "));
  CHECK(cluster.key_id() == 4);
  CHECK(cluster.rotate({.wishes = {.force = true}, .wait = false}).status == kOk);
  CHECK(cluster.key_id() == 5);
}

TEST_CASE("rotate: a node that no agent ever published is named and not waited for") {
  Cluster cluster;
  cluster.publish("worker2", 0);
  cluster.api.patch(
      api::node_key("worker2"),
      {{"metadata", {{"annotations", {{"network.cilium.io/ipv4-cilium-host", nullptr}}}}}});
  std::thread agents([&] {
    cluster.api.wait_for_request([](const auto& seen) { return seen.verb == "patch"; }, 10s);
    cluster.publish("worker", 4);
    cluster.publish("control-plane", 4);
  });
  const auto said = cluster.rotate();
  agents.join();
  CAPTURE(said.out, said.complaints);
  CHECK(said.status == kOk);
  CHECK(has(said.out, "worker2 is not waited for: no agent has published it"));
  CHECK(has(said.out, "done: 2 nodes have key 4"));
}

TEST_CASE("rotate: somebody else's change is seen and never overwritten") {
  Cluster cluster;
  cluster.api.inject(
      {.kind = api::FaultKind::answer, .status = 409, .verb = "patch", .resource = "secrets"});
  const auto said = cluster.rotate({.wait = false});
  CAPTURE(said.complaints);
  CHECK(said.status == kOk);
  CHECK(has(said.complaints,
            "somebody else has just changed Secret kube-system/cilium-ipsec-keys; "
            "it is read again"));
  CHECK(cluster.key_id() == 4);
}

TEST_CASE("rotate: of two at once one writes, and the other finds a rotation under way") {
  Cluster cluster;
  cluster.api.inject({.kind = api::FaultKind::delay,
                      .delay = 500ms,
                      .verb = "patch",
                      .resource = "secrets",
                      .times = 1});
  Said first;
  std::thread other([&] { first = cluster.rotate({.wait = false}); });
  std::this_thread::sleep_for(150ms);
  const auto second = cluster.rotate({.wait = false});
  other.join();
  CAPTURE(first.complaints, second.complaints);
  CHECK(cluster.key_id() == 4);
  CHECK(((first.status == kOk) != (second.status == kOk)));
  CHECK(has(first.complaints + second.complaints, "the rotation to key 4 is still under way"));
}

TEST_CASE("rotate: what is not permitted is said with the server's words, and nothing is written") {
  Cluster cluster;
  cluster.api.forbid(kUser, "patch", "secrets");
  auto said = cluster.rotate();
  CHECK(said.status == kDegraded);
  CHECK(has(said.complaints, "writing Secret kube-system/cilium-ipsec-keys: 403 Forbidden: "));
  cluster.api.forbid(kUser, "get", "secrets");
  said = cluster.rotate();
  CHECK(has(said.complaints, "reading Secret kube-system/cilium-ipsec-keys: 403 Forbidden: "));
  cluster.api.forbid(kUser, "list", "nodes");
  said = cluster.rotate();
  CHECK(said.status == kUnreachable);
  CHECK(has(said.complaints, "nodes: 403 Forbidden: "));
  CHECK(has(said.complaints, "nothing was changed"));
  CHECK(cluster.line() == api::kSeedKeyLine);
}

TEST_CASE("rotate: a write whose answer is lost is looked at: it may have been made or not") {
  Cluster cluster;
  // The library retries once on a new connection when a reused connection breaks.
  cluster.api.inject(
      {.kind = api::FaultKind::reset, .verb = "patch", .resource = "secrets", .times = 2});
  const auto lost = cluster.rotate({.wait = false});
  CAPTURE(lost.complaints);
  CHECK(lost.status == kDegraded);
  CHECK(has(lost.complaints, "writing Secret kube-system/cilium-ipsec-keys: "));
  CHECK(has(lost.complaints, "; the Secret does not have the new key"));
  CHECK(cluster.line() == api::kSeedKeyLine);

  cluster.api.clear_faults();
  cluster.api.inject({.kind = api::FaultKind::truncate, .verb = "patch", .resource = "secrets"});
  const auto half = cluster.rotate({.wait = false});
  CAPTURE(half.complaints);
  CHECK(half.status == kOk);
  CHECK(cluster.key_id() == 4);
}

TEST_CASE("rotate: what became of a write and cannot be found out is said to have two troubles") {
  Cluster cluster;
  cluster.api.inject({.kind = api::FaultKind::truncate, .verb = "patch", .resource = "secrets"});
  cluster.api.inject({.kind = api::FaultKind::delay, .verb = "get", .resource = "secrets"});
  cluster.api.inject({.status = 500, .verb = "get", .resource = "secrets"});
  const auto said = cluster.rotate({.wait = false});
  CAPTURE(said.complaints);
  CHECK(said.status == kDegraded);
  CHECK(has(said.complaints, "writing Secret kube-system/cilium-ipsec-keys: "));
  CHECK(has(said.complaints, "; reading Secret kube-system/cilium-ipsec-keys: 500 "));
}

TEST_CASE("rotate: a server that fails has written nothing") {
  Cluster cluster;
  cluster.api.inject({.status = 500, .verb = "patch", .resource = "secrets"});
  CHECK(cluster.rotate({.wait = false}).status == kDegraded);
  CHECK(cluster.line() == api::kSeedKeyLine);
}

TEST_CASE("rotate: without a Secret one is made only with --create, and only once") {
  Cluster cluster;
  cluster.api.remove(api::secret_key("kube-system", "cilium-ipsec-keys"));
  for (const auto* node : kNodes) cluster.publish(node, 0);
  auto said = cluster.rotate();
  CHECK(said.status == kUsage);
  CHECK(has(said.complaints, "does not exist; --create makes it"));
  CHECK_FALSE(cluster.line());

  said = cluster.rotate_with_agents({.wishes = {.create = true}});
  CAPTURE(said.out, said.complaints);
  CHECK(said.status == kOk);
  CHECK(cluster.key().id == 3);
  CHECK(cluster.key().per_pair);
  CHECK(key_bytes(cluster.key().algorithm) == 36);
  CHECK(algorithm_name(cluster.key().algorithm) == "rfc4106(gcm(aes)) 128");
  const auto line = cluster.line();
  CHECK(line.value().starts_with("3+ rfc4106(gcm(aes)) "));

  said = cluster.rotate({.wishes = {.create = true}});
  CHECK(said.status == kOk);
  CHECK(has(said.out, "exists already and is left as it is"));
  CHECK(cluster.line() == line);
}

TEST_CASE("rotate: form and algorithm change on demand") {
  Cluster cluster;
  CHECK(cluster
            .rotate({.wishes = {.per_pair = true, .algorithm = "aes-cbc-256-hmac-sha512"},
                     .wait = false})
            .status == kOk);
  CHECK(cluster.line().value().starts_with("4+ hmac(sha512) "));
  CHECK(key_bytes(cluster.key().algorithm) == 96);
}

TEST_CASE("rotate: an API that is away is said, with its address") {
  Cluster cluster;
  cluster.api.go_away();
  const auto said = cluster.rotate();
  CHECK(said.status == kUnreachable);
  CHECK(has(said.complaints, cluster.api.url()));
}

TEST_CASE("rotate: the Nodes go on being watched when the API comes back") {
  Cluster cluster;
  std::thread agents([&] {
    for (int i = 0; i < 4000 && !cluster.told; ++i) std::this_thread::sleep_for(5ms);
    cluster.api.go_away();
    std::this_thread::sleep_for(300ms);
    cluster.api.come_back();
    for (const auto* node : kNodes) cluster.publish(node, 4);
  });
  const auto said = cluster.rotate();
  agents.join();
  CAPTURE(said.out, said.complaints);
  CHECK(said.status == kOk);
}

}  // namespace this_file
