// The programs as shipped: from the image, with the rights and volumes that the chart gives them,
// and nothing else of the host.
#include <filesystem>

#include "tests/harness/catch.h"
#include "tests/harness/lab/cni_runtime.h"
#include "tests/harness/lab/image_container.h"
#include "tests/harness/lab/lab.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;

namespace {

ImageContainerSpec from_image(Lab& lab, const std::string& workload, const std::string& container) {
  return {.node = "worker",
          .archive = PELLICLE_IMAGE,
          .manifests = file_text(PELLICLE_GOLDEN "/defaults.yaml"),
          .workload = workload,
          .container = container,
          .api_host = "172.18.0.1",
          .api_port = "6443",
          .token = "token-of-worker",
          .ca_pem = lab.api().ca_pem(),
          .log = lab.log_dir() + "/" + workload + ".log"};
}

}  // namespace

TEST_CASE("the agent runs from the image as the chart has it, and its pods talk in ESP") {
  Lab lab;
  const api::Json taint = {{"key", "node.cilium.io/agent-not-ready"}, {"effect", "NoExecute"}};
  lab.api().patch(api::node_key("worker"), {{"spec", {{"taints", {taint}}}}});
  for (const char* node : {"worker2", "control-plane"}) lab.start_agent(node);
  lab.add_pod("worker2", "cni-fcnh6", "10.0.0.249");

  // What the node has of CNI's own plugins: programs of another root, which the agent asks.
  install_plugins("/opt/cni/bin", {"portmap"});

  ImageContainer agent(from_image(lab, "pellicle", "agent"));
  const bool ready = wait_until([&] { return agent.probe("readinessProbe").ok(); }, 60s);
  INFO(agent.output());
  REQUIRE(ready);
  CHECK(agent.probe("livenessProbe").ok());
  CHECK(wait_until(
      [&] { return !lab.api().get(api::node_key("worker"))->at("spec").contains("taints"); }, 20s));
  // No right beyond the chart's, and no writable place except its volumes.
  CHECK_FALSE(agent.exec("echo > /etc/passwd").ok());
  CHECK_FALSE(agent.exec("echo > /proc/sys/kernel/hostname").ok());

  // The plugin that came out of the image, with a network namespace made where a CRI makes them.
  const auto list = conflist_in("/etc/cni/net.d");
  CHECK(list["plugins"].size() == 2);
  CHECK(list["cniVersion"] == "1.0.0");
  CHECK_FALSE(list.contains("cniVersions"));
  CHECK_THAT(agent.exec("pellicle status").output, !Catch::Contains("CNI plugin"));
  CniRuntime runtime("worker", "/opt/cni/bin", list);
  make_netns("net");
  const CniPod pod{.id = "sandbox-1", .netns = "/var/run/netns/net"};
  const CniAnswer added = runtime.add(pod);
  INFO(added.text());
  REQUIRE(added.ok());
  CHECK(runtime.check(pod).ok());
  CHECK(lab.ping("net", "10.0.0.249").ok());
  CHECK(lab.cleartext().empty());
  const auto dump = agent.exec("pellicle sysdump - > /tmp/dump && tar -tzf /tmp/dump");
  INFO(dump.output);
  CHECK(dump.ok());
  CHECK_THAT(dump.output, Catch::Contains("network/xfrm-states.txt"));

  // The agent stops, the datapath stays.
  CHECK(agent.stop() == 0);
  CHECK(lab.ping("net", "10.0.0.249").ok());
  CHECK(lab.files_with_the_key().empty());
}

TEST_CASE("preflight runs from the image ahead of the agent, with the agent's rights") {
  Lab lab;
  lab.api().forbid("system:serviceaccount:kube-system:pellicle", "watch", "nodes");
  ImageContainer before(from_image(lab, "pellicle", "preflight"));
  REQUIRE(wait_until([&] { return !before.running(); }, 60s));
  const auto said = before.output();
  INFO(said);
  CHECK_THAT(said, Catch::Contains("the kernel takes all of them"));
  CHECK_THAT(said, Catch::Contains("https://172.18.0.1:6443 answers"));
  CHECK_THAT(said, Catch::Contains("fail     watch nodes              not allowed"));
  CHECK_THAT(said, Catch::Contains(" 1 fail: put right what fails"));
  CHECK(before.stop() == 0);  // the agent starts all the same
  CHECK(lab.files_with_the_key().empty());
}

TEST_CASE("the operator runs from the image without any right, and serves a Node") {
  Lab lab;
  lab.api().create({{"kind", "Node"},
                    {"metadata", {{"name", "fresh"}}},
                    {"spec", api::Json::object()},
                    {"status", api::empty_node_status()}});
  ImageContainer controller(from_image(lab, "pellicle-operator", "operator"));
  const bool served = wait_until(
      [&] { return lab.api().get(api::node_key("fresh"))->at("spec").contains("podCIDR"); }, 60s);
  INFO(controller.output());
  REQUIRE(served);
  CHECK(lab.in_node("worker", "curl -sf http://127.0.0.1:9234/readyz").output ==
        "ok: this replica acts\n");
  // It holds keys while it rotates: processes of the same user cannot read its memory.
  const auto readable = [&](const std::string& program) {
    return controller.exec("for each in /proc/[0-9]*; do if grep -q ^" + program +
                           " $each/cmdline 2>/dev/null; then exec cat $each/environ; fi; done");
  };
  CHECK(readable("sh").ok());
  CHECK_THAT(readable("pellicle-operator").output, Catch::Contains("Permission denied"));
  CHECK(controller.stop() == 0);
}

}  // namespace this_file
