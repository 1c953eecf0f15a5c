// `pellicle trace` predicts what really happens to a packet.
#include <nlohmann/json.hpp>

#include "tests/harness/catch.h"
#include "tests/harness/lab/lab.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;

namespace {

Result trace(const NodeAgent& agent, const std::string& from, const std::string& to,
             const std::string& more = "") {
  return agent.ctl("trace " + from + " " + to + " --state-dir " + agent.state_dir() +
                   " --bpf-root " + agent.bpf_root() + " " + more);
}

std::string said(const Result& traced, const char* field) {
  return nlohmann::json::parse(traced.output).value(field, "");
}

}  // namespace

TEST_CASE("a traced packet goes where the trace says, and stops where something is missing") {
  Lab lab;
  lab.start_agents();
  lab.add_pod("worker", "net", "10.0.1.52");
  lab.add_pod("worker2", "cni-fcnh6", "10.0.0.249");
  const NodeAgent& worker = lab.agent("worker");
  const NodeAgent& worker2 = lab.agent("worker2");

  const Result out = trace(worker, "10.0.1.52", "10.0.0.249");
  CAPTURE(out.output);
  CHECK(out.status == 0);
  CHECK(said(trace(worker, "10.0.1.52", "10.0.0.249", "-o json"), "verdict") ==
        "encrypted with key 3 as ESP from 10.0.1.138 to 10.0.0.40, leaves eth0 via 172.18.0.4");
  CHECK(said(trace(worker, "10.0.1.52", "10.0.0.249", "-o json"), "end") == "encrypted");
  CHECK(said(trace(worker2, "10.0.1.52", "10.0.0.249", "-o json"), "end") == "delivered");
  CHECK(said(trace(worker, "10.0.1.52", "192.0.2.1", "-o json"), "end") == "clear");
  CHECK(lab.ping("net", "10.0.0.249").ok());

  const Result none = trace(worker, "10.0.1.52", "10.0.0.x");
  CHECK(none.status == 2);
  CHECK(none.output.find("expected an IP address such as 10.0.1.52, found '10.0.0.x'") !=
        std::string::npos);

  // No agent repairs the damage. What the receiving node needs, and what it does not.
  lab.agent("worker2").kill();
  must_in("worker2",
          "ip xfrm policy delete dir in src 0.0.0.0/0 dst 10.0.0.0/24 mark 0xd00 mask 0xf00");
  CHECK(said(trace(worker2, "10.0.1.52", "10.0.0.249", "-o json"), "end") == "delivered");
  CHECK(lab.ping("net", "10.0.0.249").ok());
  must_in("worker2", "ip xfrm policy deleteall dir fwd");
  CHECK(trace(worker2, "10.0.1.52", "10.0.0.249").output.find("XfrmInNoPols") != std::string::npos);
  CHECK_FALSE(lab.ping("net", "10.0.0.249").ok());
  must_in("worker2", "ip xfrm state deleteall src 10.0.1.138");
  CHECK(trace(worker2, "10.0.1.52", "10.0.0.249")
            .output.find("no state receives from 10.0.1.138 at 10.0.0.40") != std::string::npos);
  lab.start_agent("worker2");
  REQUIRE(wait_until([&] { return lab.ping("net", "10.0.0.249").ok(); }));
  lab.agent("worker").kill();
  must_in("worker", "ip xfrm state deleteall dst 10.0.0.40");
  const Result stateless = trace(worker, "10.0.1.52", "10.0.0.249");
  CHECK(stateless.status == 1);
  CHECK(stateless.output.find("XfrmOutNoStates") != std::string::npos);
  CHECK_FALSE(lab.ping("net", "10.0.0.249").ok());
  must_in("worker", "ip xfrm policy flush");
  CHECK(trace(worker, "10.0.1.52", "10.0.0.249").output.find("XfrmOutPolBlock") !=
        std::string::npos);
  must_in("worker", "tc filter del dev cilium_net ingress");
  must_in("worker", "ip rule del fwmark 0xe00/0xf00");
  CHECK(trace(worker, "10.0.1.52", "10.0.0.249").output.find("no rule leads mark 0xe00") !=
        std::string::npos);
  lab.start_agent("worker");
  CHECK(wait_until([&] { return trace(worker, "10.0.1.52", "10.0.0.249").status == 0; }));
  CHECK(lab.ping("net", "10.0.0.249").ok());
}

}  // namespace this_file
