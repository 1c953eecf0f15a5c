// An agent that dies while it programs a node for the first time, and an agent that starts on a
// node that was damaged while no agent ran.
#include "tests/harness/catch.h"
#include "tests/harness/lab/lab.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;

TEST_CASE("an agent killed while it programs an empty node leaves what the next one completes") {
  Lab lab({.key_line = api::kSeedKeyLine});  // a pair's key needs the other node's agent
  auto& agent = lab.agent("worker");
  lab.start_agent("worker");
  const KernelPicture wanted = kernel_picture("worker");
  // Signs of progress, in the order in which the agent creates the objects.
  const std::vector<std::string> signs = {"ip link show cilium_host",
                                          "ip xfrm state | grep -q .",
                                          "ip xfrm policy | grep -q 'dir fwd'",
                                          iptables() + " -t raw -S | grep -q PELLICLE",
                                          "tc filter show dev eth0 ingress | grep -q .",
                                          "ip route show table 200 | grep -q ."};
  for (const auto& sign : signs) {
    CAPTURE(sign);
    agent.stop();
    const Result cleanup = agent.cleanup();
    CAPTURE(cleanup.output);
    REQUIRE(cleanup.ok());
    REQUIRE_FALSE(sh_in("worker", sign).ok());

    agent.start();
    REQUIRE(wait_until([&] { return sh_in("worker", sign).ok(); }, 30s));
    agent.kill();
    lab.start_agent("worker");
    const Result diff = agent.ctl("diff");
    CAPTURE(diff.output);
    CHECK(diff.ok());
    CHECK(kernel_picture("worker").text() == wanted.text());
  }
  CHECK(lab.files_with_the_key().empty());
}

namespace {

// Like systemd-networkd at its start: deletes every rule whose origin is not the kernel. Also
// deletes the block policy.
std::string damage(Lab& lab) {
  lab.start_agents();
  lab.add_pod("worker", "net", "10.0.1.52");
  lab.add_pod("worker2", "cni-fcnh6", "10.0.0.249");
  REQUIRE(wait_until([&] { return lab.ping("net", "10.0.0.249").ok(); }, 30s));
  auto rules = must_in("worker", "ip rule");
  lab.agent("worker").stop();
  must_in("worker",
          "ip rule del pref 100; ip rule del pref 1; ip rule del pref 1; "
          "ip xfrm policy deleteall dir out action block");
  REQUIRE_FALSE(lab.ping("worker", "172.18.0.4").ok());
  return rules;
}

}  // namespace

TEST_CASE("an agent starts on a node that does not find its own addresses any more") {
  Lab lab;
  const auto rules = damage(lab);
  lab.start_agent("worker");
  CHECK(must_in("worker", "ip rule") == rules);
  CHECK(lab.ping("net", "10.0.0.249", 3).ok());
  CHECK(lab.cleartext().empty());
}

TEST_CASE("what needs no API server is put right while there is none") {
  Lab lab;
  const auto rules = damage(lab);
  lab.api().go_away();
  auto& agent = lab.agent("worker");
  agent.start();
  CHECK(wait_until([&] { return lab.ping("net", "10.0.0.249").ok(); }, 30s));
  CHECK(must_in("worker", "ip rule") == rules);
  CHECK(must_in("worker", "ip xfrm policy list dir out action block").find("mark 0xe00/0xf00") !=
        std::string::npos);
  must_in("worker", "ip rule del pref 100");  // a second time
  CHECK(wait_until([&] { return must_in("worker", "ip rule") == rules; }));
  lab.api().come_back();
  CHECK(agent.wait_ready(60s));
  CHECK(lab.cleartext().empty());
}

}  // namespace this_file
