#include "agent/problem_events.h"

#include <set>

#include "agent/kube/decode.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using namespace std::chrono_literals;

namespace {

const WallClock::time_point kNow = WallClock::time_point{} + 100h;

Troubles with(const std::vector<Problem>& problems, std::chrono::seconds old = 1h) {
  Troubles troubles{.node = "worker", .state_dir = "/var/run/pellicle"};
  for (const auto& problem : problems) troubles.problems[problem] = kNow - old;
  return troubles;
}

std::string reason(const Problem& problem, const Troubles& others = with({})) {
  auto troubles = others;
  troubles.problems[problem] = kNow - 1h;
  const auto events = problem_events(troubles, kNow);
  REQUIRE(events.size() == 1);
  CHECK(events[0].node == "worker");
  CHECK(events[0].warning);
  CHECK_THAT(events[0].message, Catch::StartsWith(problem.to_string()));
  return events[0].reason;
}

Refusal refused(Operation operation, const std::string& sentence) {
  return {.operation = std::move(operation), .error = 1, .sentence = sentence};
}

Operation add_state() {
  return Change<State>{.action = Action::add, .key = {}, .value = {}};
}

}  // namespace

TEST_CASE("each problem has a reason that says who must act") {
  CHECK(reason({kKeySecret, "", "not found"}) == "KeyMissing");
  CHECK(reason({kKeySecret, kKeyField, "word 1: expected a key id"}) == "KeyRefused");
  CHECK(reason({"Node worker", "spec.podCIDR", "no IPv4 PodCIDR"}) == "NodeIncomplete");
  CHECK(reason({"Node worker", "", "was deleted"}) == "NodeIncomplete");
  CHECK(reason({"Node worker", "metadata.annotations[network.cilium.io/ipv4-cilium-host]", "?"}) ==
        "NodeIncomplete");
  CHECK(reason({"Node worker", "metadata.annotations", "publishing: 403 Forbidden"}) ==
        "AnnotationsNotPublished");
  CHECK(reason({"Node worker2", "metadata.annotations[network.cilium.io/encryption-key]", "?"}) ==
        "KeyNotAnnounced");
  CHECK(reason({"Node worker2", "metadata.annotations[pellicle.io/host-encryption]", "?"}) ==
        "PeerInTheClear");
  CHECK(reason({"Node worker2", "spec.podCIDR", "contradicts"}) == "PeerNotReady");
  CHECK(reason({"Configuration", "uplink", "no device"}) == "SettingRefused");
  CHECK(reason({"Kernel", "", "the kernel cannot do ESP"}) == "KernelFeatureMissing");
  CHECK(reason({"Kernel nf_conntrack", "", "the table of connections is full"}) ==
        "ConnectionTableFull");
  CHECK(reason({"Kernel contested", "", "somebody else undoes it"}) == "KernelContested");
  CHECK(reason({"Device eth0", "ingress", "another filter runs first"}) == "HookContested");
  CHECK(reason({"Firewall", "filter FORWARD", "refuses all"}) == "FirewallRefusesPods");
  CHECK(reason({"Pod default/web", "address", "is another's"}) == "PodAddressConflict");
  CHECK(reason({"Pod default/web", "", "is shaped elsewhere"}) == "PodSourcesUnchecked");
  CHECK(reason({"Pod default/web", "metadata.annotations[pellicle.io/allowed-addresses]", "?"}) ==
        "PodSourceNotAllowed");
  CHECK(reason({"Node worker2", "forgery", "sends in another's name"}) == "NodeForges");
  CHECK(reason({"Node worker2", "clear text", "comes in the clear"}) == "PeerInTheClear");
  CHECK(reason({"Node worker", "forgery", "is forged"}) == "NodeForged");
  CHECK(reason({"Node worker", "clear text", "comes in the clear"}) == "NodeForged");
  CHECK(reason({"CNI", "", "not installed"}) == "CNINotInstalled");
  CHECK(reason({"CNI plugin /opt/cni/bin/portmap", "", "does not say"}) == "CNIPluginUnfit");
  CHECK(reason({"CNI plugins", "", "have no version in common"}) == "CNIPluginUnfit");
  CHECK(reason({"File /var/run/pellicle/endpoints.json", "", "is damaged"}) == "StateNotKept");
  CHECK(reason({"File /etc/cni/net.d/00-x.conf", "", "stands before"}) == "ForeignCNI");
  CHECK(reason({"Something", "new", "that has no row"}) == "Problem");
}

TEST_CASE("what is said of a key that is in use is advice") {
  auto troubles = with({});
  troubles.key_taken = true;
  CHECK(reason({kKeySecret, kKeyField, "the algorithm is weak"}, troubles) == "KeyDeprecated");
}

TEST_CASE("a Node that has only just joined is not told of, one that stays away is") {
  const Problem problem{"Node worker2", "spec.podCIDR", "no PodCIDR"};
  CHECK(problem_events(with({problem}, 4min), kNow).empty());
  CHECK(problem_events(with({problem}, 6min), kNow).size() == 1);
  CHECK(problem_events(with({{kKeySecret, "", "not found"}}, 0s), kNow).size() == 1);
}

TEST_CASE("several problems of one reason are one event: the first in full, the others by name") {
  const auto events = problem_events(with({{"Node b", "x", "is bad"},
                                           {"Node a", "x", "is worse"},
                                           {"Node c", "x", "is bad"},
                                           {kKeySecret, "", "not found"}}),
                                     kNow);
  REQUIRE(events.size() == 2);
  CHECK(events[0].reason == "KeyMissing");
  CHECK(events[0].message ==
        std::string(kKeySecret) + ": not found. Remedy: run `pellicle key rotate --create`");
  CHECK(events[1].reason == "PeerNotReady");
  CHECK(events[1].message ==
        "Node a x: is worse; and 2 more like it (Node b, Node c). Remedy: look at the agent and "
        "the Node there");
}

TEST_CASE("what the kernel refuses is told once, and not beside what it lacks for it") {
  auto troubles = with({});
  troubles.refusals = {refused(add_state(), "not permitted"), refused(add_state(), "no memory"),
                       refused(Change<Route>{.action = Action::add, .key = {}, .value = {}}, "?")};
  auto events = problem_events(troubles, kNow);
  REQUIRE(events.size() == 1);
  CHECK(events[0].reason == "KernelRefused");
  CHECK_THAT(events[0].message, Catch::StartsWith("the kernel refused to add "));
  CHECK_THAT(events[0].message, Catch::Contains("; and 2 more like it. Remedy: "));

  troubles.kernel_lacks = {{"Kernel", "", "the kernel cannot do ESP over IPv4"}};
  events = problem_events(troubles, kNow);
  REQUIRE(events.size() == 2);
  CHECK(events[0].reason == "KernelFeatureMissing");
  CHECK(events[1].reason == "KernelRefused");
  CHECK(events[1].message.find("more like it") == std::string::npos);  // only the route
}

TEST_CASE("a pass that fails and a PodCIDR without a free address are told") {
  auto troubles = with({});
  troubles.failure = "read the kernel: not permitted";
  troubles.pools = {{.pod_cidr = *Cidr::parse("10.0.1.0/29"), .allocated = 5, .usable = 6},
                    {.pod_cidr = *Cidr::parse("10.0.2.0/29"), .allocated = 6, .usable = 6}};
  const auto events = problem_events(troubles, kNow);
  REQUIRE(events.size() == 2);
  CHECK(events[0].reason == "PassFailed");
  CHECK_THAT(events[0].message, Catch::StartsWith("read the kernel: not permitted. Remedy: "));
  CHECK(events[1].reason == "PodCIDRExhausted");
  CHECK_THAT(events[1].message,
             Catch::StartsWith("PodCIDR 10.0.2.0/29: all 6 addresses are given out. Remedy: "));
}

TEST_CASE("reasons are words that the API and people take, and every row can be reached") {
  for (const auto& row : event_reasons()) {
    const std::string name = row.reason;
    CAPTURE(name);
    CHECK(name.size() < 128);
    CHECK((name[0] >= 'A' && name[0] <= 'Z'));
    CHECK(name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") ==
          name.npos);
  }
  for (size_t i = 0; i < event_reasons().size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      const auto& [later, earlier] = std::pair(event_reasons()[i], event_reasons()[j]);
      const bool hidden = std::string(later.object).starts_with(earlier.object) &&
                          std::string(later.field).starts_with(earlier.field);
      CAPTURE(later.reason, earlier.reason, later.object, later.field);
      CHECK_FALSE(hidden);
    }
  }
}

}  // namespace this_file
