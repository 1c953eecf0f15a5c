// How the agent comes by a pod's network namespace.
#include <cstdlib>
#include <filesystem>

#include "tests/datapath/cni_node.h"
#include "tests/harness/skipped.h"
#include "tools/ctl/agent_socket.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;
using Catch::Matchers::Contains;
using Node = CniNode;

// As cri-dockerd names it: by a process, whose number is another one where the agent is.
TEST_CASE(
    "cni: a namespace below /proc of the runtime is found by an agent that has another /proc") {
  Node node;
  // Number 2 is the pod there; where the agent is it is a thread of the kernel, whose namespace is
  // none that an agent should touch.
  const Process processes({"unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c",
                           "unshare --net sleep 10000 & wait"},
                          node.lab.log_dir() + "/runtime.log");
  std::string inside;
  REQUIRE(wait_until([&] {
    const auto shell = sh("pgrep -P " + std::to_string(processes.pid())).output;
    inside = "nsenter --target " + shell.substr(0, shell.find('\n')) + " --pid --mount ";
    return !shell.empty() && sh(inside + "pgrep -x sleep").output == "2\n";
  }));
  const std::string bin_dir = "/run/lab/runtime";
  std::filesystem::create_directories(bin_dir);
  write_file(bin_dir + "/pellicle-cni",
             "#!/bin/sh\nexec " + inside + node.agent.cni_bin_dir() + "/pellicle-cni\n");
  must("chmod +x " + bin_dir + "/pellicle-cni");
  CniRuntime runtime(node.name, bin_dir, conflist_in(node.agent.cni_conf_dir()));
  const CniPod pod{.id = "docker-1", .netns = "/proc/2/ns/net"};
  const auto in_pod = [&](const std::string& command) {
    return sh(inside + "nsenter --target 2 --net " + command);
  };
  const auto check_wired = [&](const CniAnswer& answer) {
    CAPTURE(answer.text());
    CHECK(answer.ok());
    CHECK(in_pod("ping -c 1 -W 2 10.0.1.138").ok());
    CHECK_FALSE(sh("ip link show dev eth0").ok());  // where number 2 of the agent's is
  };

  const CniAnswer added = runtime.add(pod);
  check_wired(added);
  REQUIRE(added.addresses().size() == 1);
  CHECK_THAT(in_pod("ip address show dev eth0").output, Contains(added.addresses().front()));
  CHECK(added.result["interfaces"][1]["sandbox"] == pod.netns);
  check_wired(runtime.add(pod));
  node.agent.kill();
  node.lab.start_agent("worker");  // knows the path, and needs it for nothing
  check_wired(runtime.check(pod));
  REQUIRE(in_pod("ip route del default").ok());
  node.check_refused(runtime.check(pod), 102, "default route via 10.0.1.138");
  check_wired(runtime.add(pod));

  // A descriptor that was sent and did not come is not made up for by that path.
  const auto refusal = [&](const char* verb, const char* id, const char* netns) -> std::string {
    try {
      node.agent.ask(verb, {{"id", id}, {"netns", netns}, {"netnsPassed", true}});
    } catch (const ctl::Refused& refused) {
      return refused.what();
    }
    return "";
  };
  for (const char* verb : {"pod-add", "pod-check"})
    CHECK_THAT(refusal(verb, "docker-1:eth0", pod.netns.c_str()),
               Contains("its descriptor did not arrive"));
  CHECK_THAT(refusal("pod-add", "docker-2:eth0", "/run/netns/nobody"),
             Contains("/run/netns/nobody: No such file or directory"));
  CHECK(node.given_out().size() == 1);
  CHECK_FALSE(sh("ip link show dev eth0").ok());

  node.remove(pod);
  REQUIRE(runtime.remove(pod).ok());
  CHECK(node.nothing_left());
  CHECK_FALSE(in_pod("ip link show dev eth0").ok());
}

TEST_CASE("cni: a plugin and an agent of which one is of the last version understand each other") {
  const char* last = std::getenv("PELLICLE_LAST_AGENT");
  if (last == nullptr) {
    skipped("PELLICLE_LAST_AGENT does not name the last version's agent");
    return;
  }
  const auto folder = std::filesystem::path(last).parent_path();
  Lab lab({.nodes = {seed_nodes().front()}});
  NodeAgent& agent = lab.agent("worker");
  const auto try_out = [&](const std::string& plugin) {
    const auto list = conflist_in(agent.cni_conf_dir());
    std::filesystem::create_directories("/run/lab/mixed");
    std::filesystem::copy_file(plugin, "/run/lab/mixed/pellicle-cni",
                               std::filesystem::copy_options::overwrite_existing);
    CniRuntime runtime("worker", "/run/lab/mixed", list);
    const CniPod pod{.id = "mixed", .netns = make_netns("mixed")};
    for (const CniAnswer& answer : {runtime.add(pod), runtime.check(pod)}) {
      CAPTURE(plugin, answer.text());
      CHECK(answer.ok());
    }
    CHECK(lab.ping("mixed", "10.0.1.138").ok());
    CHECK(runtime.remove(pod).ok());
    CHECK(agent.ask("pod-list").empty());
    remove_netns("mixed");
  };
  agent.start("", last);
  REQUIRE(agent.wait_ready());
  try_out(program("pellicle-cni"));
  agent.stop();
  lab.start_agent("worker");
  try_out((folder / "pellicle-cni").string());
}

}  // namespace this_file
