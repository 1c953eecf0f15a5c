// Nodes on a kernel that was booted with ipv6.disable=1.
#include "agent/kernel/sysctl.h"
#include "tests/harness/catch.h"
#include "tests/harness/lab/lab.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;
using Catch::Matchers::Contains;

namespace {

constexpr const char* kLocal = "10.0.1.52";
constexpr const char* kRemote = "10.0.0.249";

std::string refusals_and_problems(Lab& lab, const std::string& node) {
  const auto status = lab.agent(node).ask("status");
  return status["problems"].dump() + status["refusals"].dump();
}

}  // namespace

TEST_CASE("a node whose kernel has no IPv6 is one of IPv4", "[no-ipv6]") {
  REQUIRE_FALSE(read_sysctl("net/ipv6/conf/all/forwarding"));
  Lab lab;
  const auto before = must_in("worker", "ip rule; ip route; ip xfrm policy");
  lab.start_agents();
  lab.add_pod("worker", "net", kLocal);
  lab.add_pod("worker2", "cni-fcnh6", kRemote);
  CHECK(lab.ping("net", kRemote, 3).ok());
  CHECK(lab.ping("cni-fcnh6", kLocal, 3).ok());
  auto& agent = lab.agent("worker");
  CAPTURE(refusals_and_problems(lab, "worker"));
  CHECK(agent.ctl("status").ok());
  CHECK(agent.ask("diff")["operations"].empty());

  // An IPv6 PodCIDR is one problem, and IPv4 keeps working.
  lab.api().patch(api::node_key("worker"),
                  {{"spec", {{"podCIDRs", {"10.0.1.0/24", "fd00:10:1::/64"}}}}});
  REQUIRE(wait_until([&] { return !agent.ask("status")["problems"].empty(); }));
  CHECK(agent.ask("status")["problems"].size() == 1);
  CHECK_THAT(agent.says(),
             Contains("fd00:10:1::/64 is not used, as this node's kernel has no IPv6"));
  CHECK(lab.ping("net", kRemote, 3).ok());
  agent.kill();
  lab.start_agent("worker");
  CHECK(lab.ping("net", kRemote, 3).ok());
  CHECK(agent.ask("diff")["operations"].empty());
  CHECK(lab.cleartext().empty());

  agent.stop();
  const Result cleanup = agent.cleanup();
  CAPTURE(cleanup.output);
  CHECK(cleanup.ok());
  CHECK(must_in("worker", "ip rule; ip route; ip xfrm policy") == before);
}

}  // namespace this_file
