// One node with its agent, and what a container runtime asks of it through the CNI plugin.
#pragma once

#include <set>
#include <string>

#include "tests/harness/catch.h"
#include "tests/harness/lab/cni_runtime.h"
#include "tests/harness/lab/lab.h"

namespace pellicle::lab {

inline void check_ok(const CniAnswer& answer) {
  CAPTURE(answer.text());
  CHECK(answer.ok());
}

// The runtime reads what the agent installed.
struct CniNode {
  std::string name;
  Lab lab;
  NodeAgent& agent;
  CniRuntime runtime;

  explicit CniNode(const NodeSpec& spec = seed_nodes().front())
      : name(spec.name), lab({.nodes = {spec}}), agent(started()), runtime(installed_runtime()) {}

  // A sandbox with a namespace of its own, as CNI ADD is given.
  static CniPod sandbox(const std::string& pod) {
    return {.id = pod + "-0123456789abcdef",
            .netns = make_netns(pod),
            .args = "K8S_POD_NAMESPACE=default;K8S_POD_NAME=" + pod};
  }

  std::string add(const CniPod& pod) {
    const CniAnswer answer = runtime.add(pod);
    CAPTURE(answer.text());
    REQUIRE(answer.ok());
    REQUIRE(answer.addresses().size() == 1);
    return answer.addresses().front();
  }
  void remove(const CniPod& pod) {
    const CniAnswer answer = runtime.remove(pod);
    CAPTURE(answer.text());
    CHECK(answer.ok());
    CHECK(answer.output.empty());
  }
  void check_refused(const CniAnswer& answer, int code, const std::string& words) const {
    CAPTURE(answer.text());
    CHECK_FALSE(answer.ok());
    CHECK(answer.code() == code);
    CHECK_THAT(answer.text(), Catch::Contains(words));
  }

  std::set<std::string> given_out() const {
    std::set<std::string> addresses;
    for (const auto& pod : agent.ask("pod-list")) {
      for (const auto& entry : pod["addresses"]) addresses.insert(entry["address"]);
    }
    return addresses;
  }
  std::string pod_devices() const {
    return sh_in(name, "ip -br link | grep -o '^lxc[0-9a-f]*'").output;
  }
  std::string map_entries() const {
    return must("bpftool -j map dump pinned " + agent.bpf_root() + "/pellicle_eps");
  }
  bool nothing_left() const {
    return pod_devices().empty() && given_out().empty() && map_entries() == "[]\n";
  }

 private:
  NodeAgent& started() {
    lab.start_agent(name);
    return lab.agent(name);
  }
  CniRuntime installed_runtime() const {
    return {name, agent.cni_bin_dir(), conflist_in(agent.cni_conf_dir())};
  }
};

}  // namespace pellicle::lab
