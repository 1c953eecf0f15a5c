// An agent that dies while it programs a node for the first time.
#include "tests/harness/catch.h"
#include "tests/harness/lab/lab.h"

using namespace pellicle;
using namespace pellicle::lab;

TEST_CASE("an agent killed while it programs an empty node leaves what the next one completes") {
  Lab lab({.key_line = api::kSeedKeyLine});  // a pair's key needs the other node's agent
  auto& agent = lab.agent("worker");
  lab.start_agent("worker");
  const KernelPicture wanted = kernel_picture("worker");
  // Signs of how far it has come, in the order in which things are made.
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
