// The start-up taint: replicas of the operator against the API fixture.
#include "agent/kube/taint.h"
#include "tests/harness/api/seed.h"
#include "tests/harness/catch.h"
#include "tests/operator/replicas.h"

namespace this_file {

using namespace pellicle;
using namespace std::chrono_literals;

namespace {

const api::Json kTaint = {{"key", kNotReadyTaint}, {"value", "true"}, {"effect", "NoExecute"}};
const api::Json kOther = {{"key", "example.com/gpu"}, {"effect", "NoSchedule"}};

api::Json pod(const std::string& node, const char* label = "pellicle-agent") {
  return {{"kind", "Pod"},
          {"metadata",
           {{"name", std::string(label) + "-" + node},
            {"namespace", "kube-system"},
            {"labels", {{"app.kubernetes.io/name", label}}}}},
          {"spec", {{"nodeName", node}}},
          {"status", {{"conditions", {{{"type", "Ready"}, {"status", "True"}}}}}}};
}

bool tainted(Replicas& cluster, const std::string& node) {
  const auto object = cluster.api.get(api::node_key(node));
  return object->value("/spec/taints"_json_pointer, api::Json::array())
             .dump()
             .find(kNotReadyTaint) != std::string::npos;
}

}  // namespace

TEST_CASE("the operator lets a Node take pods once its agent is ready, and no other") {
  Replicas cluster(std::vector<std::string>{"--remove-node-taints", "true"});
  for (const char* name : {"a", "b", "c"}) {
    cluster.register_node(name);
    cluster.api.patch(api::node_key(name), {{"spec", {{"taints", {kTaint, kOther}}}}});
  }
  cluster.api.create(pod("a"));
  cluster.api.create(pod("b", "another"));
  cluster.start("one");
  CHECK(lab::wait_until([&] { return !tainted(cluster, "a"); }, 60s));
  CHECK((*cluster.api.get(api::node_key("a")))["spec"]["taints"] == api::Json::array({kOther}));
  CHECK(tainted(cluster, "b"));
  cluster.api.create(pod("c"));
  CHECK(lab::wait_until([&] { return !tainted(cluster, "c"); }, 60s));
  CHECK(tainted(cluster, "b"));
  INFO(cluster.log("one"));
  CHECK(cluster.stop("one") == 0);
}

TEST_CASE("another replica goes on with taints where the first one ended") {
  Replicas cluster(std::vector<std::string>{"--remove-node-taints", "true"});
  cluster.start("one");
  REQUIRE(lab::wait_until([&] { return cluster.acting() == "one"; }, 30s));
  cluster.start("two");
  cluster.kill("one");
  cluster.register_node("late");
  cluster.api.patch(api::node_key("late"), {{"spec", {{"taints", {kTaint}}}}});
  cluster.api.create(pod("late"));
  CHECK(lab::wait_until([&] { return !tainted(cluster, "late"); }, 60s));
  CHECK(cluster.acting() == "two");
}

}  // namespace this_file
