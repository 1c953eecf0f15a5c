// A packet's path through the objects that the agent programs, complete or with one missing.
#include "agent/trace/trace.h"
#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"

namespace this_file {

using namespace pellicle;
using Catch::Matchers::Contains;

namespace {

// The complete state of the seed's worker: net is 10.0.1.52, worker2's pods are 10.0.0.0/24.
KernelState healthy() {
  auto inputs = seed::worker();
  // A node sends only to peers that receive: state as after a first pass.
  inputs.programmed = {.states = compute(inputs).state.states, .policies = {}, .peers = {}};
  return compute(inputs).state;
}

Trace from_net(const KernelState& kernel, const char* to) {
  return trace(kernel, seed::ip("10.0.1.52"), seed::ip(to));
}

template <class Kind>
void take_out(Table<Kind>& table, auto matches) {
  REQUIRE(std::erase_if(table, matches) > 0);
}

std::string broken_step(const Trace& trace) {
  for (const auto& step : trace.steps) {
    if (!step.fine) return step.where;
  }
  return "";
}

}  // namespace

TEST_CASE("trace: a packet for a peer's pod is followed to the wire as ESP") {
  const auto way = from_net(healthy(), "10.0.0.249");
  CHECK(way.end == TraceEnd::encrypted);
  CHECK(broken_step(way).empty());
  CHECK(way.verdict ==
        "encrypted with key 3 as ESP from 10.0.1.138 to 10.0.0.40, leaves eth0 via 172.18.0.4");
  REQUIRE(way.steps.size() == 9);
  CHECK(way.steps[0].finding == "endpoint 10.0.1.52 dev lxc0123456789ab mac 02:00:00:00:01:01");
  CHECK(way.steps[1].where == "lxc0123456789ab ingress");
  CHECK(way.steps[2].finding == "peer 10.0.0.0/24 key 3");
}

TEST_CASE("trace: a pod of the same node is delivered to, never encrypted") {
  const auto way = from_net(healthy(), "10.0.1.103");
  CHECK(way.end == TraceEnd::delivered);
  CHECK_THAT(way.verdict, Contains("lxcba9876543210"));
  CHECK(from_net(healthy(), "10.0.1.99").end == TraceEnd::dropped);
}

TEST_CASE("trace: what is for nobody of the cluster goes its own way") {
  CHECK(from_net(healthy(), "192.0.2.1").end == TraceEnd::clear);
}

TEST_CASE("trace: what is for a peer whose entry was refused is routed to where it is dropped") {
  auto kernel = healthy();
  take_out<PeerEntry>(kernel.peers, [](const auto& entry) {
    return entry.first.cidr == seed::cidr("10.0.0.0/24");
  });
  const auto way = from_net(kernel, "10.0.0.249");
  CHECK(way.end == TraceEnd::dropped);
  CHECK(broken_step(way) == "peers");
}

TEST_CASE("trace: what is in the strict network and no peer's is blocked by a policy") {
  auto inputs = seed::worker();
  inputs.settings.strict_cidrs = {seed::cidr("10.0.0.0/8")};
  const auto kernel = compute(inputs).state;
  CHECK_THAT(from_net(kernel, "10.77.0.1").verdict, Contains("in the strict network"));
  CHECK(from_net(kernel, "192.0.2.1").end == TraceEnd::clear);
  CHECK(from_net(kernel, "10.0.1.103").end == TraceEnd::delivered);
}

TEST_CASE("trace: a packet from a peer's pod is followed to the pod") {
  const auto way = trace(healthy(), seed::ip("10.0.0.249"), seed::ip("10.0.1.52"));
  CHECK(way.end == TraceEnd::delivered);
  CHECK(broken_step(way).empty());
  CHECK_THAT(way.verdict, Contains("decrypted and delivered"));
}

TEST_CASE("trace: what is missing on the way out is named, with what becomes of the packet") {
  auto kernel = healthy();
  SECTION("the policy") {
    take_out<Policy>(kernel.policies, [](const auto& entry) {
      return entry.first.direction == Direction::out &&
             entry.first.dst == seed::cidr("10.0.0.0/24");
    });
    const auto way = from_net(kernel, "10.0.0.249");
    CHECK(broken_step(way) == "policy");
    CHECK_THAT(way.verdict, Contains("XfrmOutPolBlock"));
  }
  SECTION("the state") {
    take_out<State>(kernel.states,
                    [](const auto& entry) { return entry.first.dst == seed::ip("10.0.0.40"); });
    CHECK(broken_step(from_net(kernel, "10.0.0.249")) == "state");
    CHECK_THAT(from_net(kernel, "10.0.0.249").verdict, Contains("XfrmOutNoStates"));
  }
  SECTION("the rule") {
    kernel.rules.clear();
    CHECK(broken_step(from_net(kernel, "10.0.0.249")) == "rule");
  }
  SECTION("the route in table 200") {
    take_out<Route>(kernel.routes, [](const auto& entry) { return entry.first.table == 200; });
    CHECK(broken_step(from_net(kernel, "10.0.0.249")) == "route, 200");
  }
  SECTION("the program on the pod's device: routing leads to cilium_host's, which marks") {
    take_out<Attachment>(kernel.attachments,
                         [](const auto& entry) { return entry.first.dev == "lxc0123456789ab"; });
    const auto way = from_net(kernel, "10.0.0.249");
    CHECK(way.end == TraceEnd::encrypted);
    CHECK(broken_step(way) == "lxc0123456789ab ingress");
    take_out<Route>(kernel.routes, [](const auto& entry) {
      return entry.first.table == 214 && entry.second.dev == "cilium_host";
    });
    CHECK(broken_step(from_net(kernel, "10.0.0.249")) == "lxc0123456789ab ingress");
    CHECK(from_net(kernel, "10.0.0.249").end == TraceEnd::dropped);
  }
  SECTION("the key") {
    kernel.peers[{seed::cidr("10.0.0.0/24")}].key_id = 0;
    CHECK_THAT(from_net(kernel, "10.0.0.249").verdict, Contains("no key"));
  }
}

TEST_CASE("trace: what is missing on the way in is named") {
  const auto received = [](const KernelState& kernel) {
    return trace(kernel, seed::ip("10.0.0.249"), seed::ip("10.0.1.52"));
  };
  auto kernel = healthy();
  SECTION("states") {
    kernel.states.clear();
    CHECK_THAT(received(kernel).verdict, Contains("XfrmInNoStates"));
  }
  SECTION("policies") {
    kernel.policies.clear();
    CHECK_THAT(received(kernel).verdict, Contains("XfrmInNoPols"));
  }
  SECTION("cilium_host's program") {
    kernel.attachments.erase({"cilium_host", false});
    CHECK(received(kernel).end == TraceEnd::dropped);
  }
}

TEST_CASE("trace: two addresses that are nothing of this node's are refused in one sentence") {
  CHECK_THROWS_WITH(trace(healthy(), seed::ip("10.0.0.1"), seed::ip("192.0.2.1")),
                    Contains("neither of which is in its PodCIDR"));
  CHECK_THROWS_WITH(trace({}, seed::ip("10.0.0.1"), seed::ip("192.0.2.1")),
                    Contains("not programmed"));
}

TEST_CASE("trace: a pod sends from its own address, cilium_host's is the node's, DHCP is refused") {
  const auto kernel = healthy();
  const auto from = [&](const char* source) {
    return trace(kernel, seed::ip(source), seed::ip("10.0.0.249"));
  };
  const auto forged = from("10.0.1.77");
  CHECK(forged.end == TraceEnd::dropped);
  CHECK(broken_step(forged) == "endpoint");
  CHECK_THAT(forged.verdict, Contains("forged"));
  CHECK(from("10.0.1.138").end == TraceEnd::encrypted);
  CHECK_THAT(from("0.0.0.0").verdict, Contains("forged") && Contains("DHCP is refused"));
}

}  // namespace this_file
