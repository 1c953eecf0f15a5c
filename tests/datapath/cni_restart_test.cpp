// The CNI verbs while the agent is away, and what it finds when it starts.
#include <filesystem>
#include <thread>

#include "tests/datapath/cni_node.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;
using Catch::Matchers::Contains;

namespace {

using Node = CniNode;

}  // namespace

TEST_CASE("cni: without the agent ADD waits for it, and DEL is completed when it is back") {
  Node node;
  const CniPod kept = Node::sandbox("kept");
  const CniPod deleted = Node::sandbox("deleted");
  const std::string address = node.add(kept);
  node.add(deleted);
  auto list = conflist_in(node.agent.cni_conf_dir());
  list["cniVersion"] = "1.1.0";
  CniRuntime runtime("worker", node.agent.cni_bin_dir(), list);
  CHECK(runtime.status().ok());
  list["plugins"][0].update({{"addWaitSeconds", 0}, {"statusGraceSeconds", 0}});
  CniRuntime impatient("worker", node.agent.cni_bin_dir(), list);

  node.agent.kill();
  node.check_refused(impatient.add(Node::sandbox("new")), 11, "agent");
  node.check_refused(impatient.status(), 50, "agent");
  CHECK(runtime.status().ok());
  const CniPod newer = Node::sandbox("newer");
  CniAnswer waited;
  std::jthread add([&] { waited = runtime.add(newer); });
  node.remove(deleted);
  node.remove(deleted);
  CHECK(sh_in("deleted", "ip link show dev eth0").ok());  // its namespace stays, so it does

  node.lab.start_agent("worker");
  add.join();
  CHECK(waited.ok());
  node.remove(newer);
  CHECK(node.given_out() == std::set<std::string>{address});
  CHECK_FALSE(sh_in("deleted", "ip link show dev eth0").ok());
  CHECK(std::filesystem::is_empty(node.agent.state_dir() + "/deletions"));
  CHECK(runtime.status().ok());
  CHECK(node.runtime.check(kept).ok());
}

TEST_CASE("cni: what is remembered is compared with what exists when the agent starts") {
  Node node;
  const CniPod stays = Node::sandbox("stays");
  const CniPod goes = Node::sandbox("goes");
  const std::string address = node.add(stays);
  node.add(goes);
  const auto before = node.agent.ask("pod-list");
  const std::string record = node.agent.state_dir() + "/endpoints.json";

  node.agent.kill();
  node.lab.start_agent("worker");
  CHECK(node.agent.ask("pod-list") == before);

  node.agent.kill();
  remove_netns("goes");
  REQUIRE(wait_until([&] { return node.pod_devices().find('\n') == 15; }));
  node.lab.start_agent("worker");
  CHECK(node.given_out() == std::set<std::string>{address});
  node.remove(goes);

  for (const std::string damaged : {"{\"version\": 1, \"endpoints\": [{", ""}) {
    node.agent.kill();
    write_file(record, damaged);
    node.lab.start_agent("worker");
    CHECK(node.given_out() == std::set<std::string>{address});
    CHECK_THAT(node.agent.says(), Contains("endpoints.json"));
    CHECK(node.lab.ping("stays", "10.0.1.138").ok());
    CHECK(node.runtime.check(stays).ok());
  }
  const CniPod more = Node::sandbox("more");
  CHECK(node.add(more) != address);
  node.remove(more);
  node.remove(stays);
  CHECK(node.nothing_left());
}

TEST_CASE("cni: nothing is installed before pods can be served, and another CNI is reported") {
  Lab lab({.nodes = {seed_nodes().front()}});
  NodeAgent& agent = lab.agent("worker");
  const std::string conflist = agent.cni_conf_dir() + "/05-pellicle.conflist";
  lab.api().patch(api::node_key("worker"),
                  {{"spec", {{"podCIDR", nullptr}, {"podCIDRs", nullptr}}}});
  agent.start();
  REQUIRE(wait_until([&] { return agent.log().find("no IPv4 PodCIDR") != std::string::npos; }));
  CHECK_FALSE(std::filesystem::exists(conflist));
  CHECK_FALSE(std::filesystem::exists(agent.cni_bin_dir() + "/pellicle-cni"));
  CHECK_THAT(agent.says(), Contains("CNI: not installed"));
  CHECK_THAT(agent.says(), Contains("IPAM: no address can be given out yet"));

  std::filesystem::create_directories(agent.cni_conf_dir());
  write_file(agent.cni_conf_dir() + "/01-kindnet.conflist", "{}");
  lab.api().patch(api::node_key("worker"),
                  {{"spec", {{"podCIDR", "10.0.1.0/24"}, {"podCIDRs", {"10.0.1.0/24"}}}}});
  REQUIRE(agent.wait_ready());
  CHECK(wait_until([&] { return std::filesystem::exists(conflist); }));
  CHECK_THAT(agent.says(), Contains("01-kindnet.conflist since"));
  CHECK_THAT(agent.says(), Contains("the container runtime gives new pods to that CNI"));
  CHECK(file_text(agent.cni_conf_dir() + "/01-kindnet.conflist") == "{}");
  agent.stop();
  CHECK(std::filesystem::exists(conflist));  // pods still have to be deleted
  CHECK(agent.cleanup().ok());
  CHECK_FALSE(std::filesystem::exists(conflist));
  CHECK_FALSE(std::filesystem::exists(agent.cni_bin_dir() + "/pellicle-cni"));
}

}  // namespace this_file
