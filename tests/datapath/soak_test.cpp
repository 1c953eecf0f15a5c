// The soak test's detectors, on nodes with real faults. The soak's cluster itself must have none,
// so these nodes have no agents, and their own addresses take the place of pods.
#include <algorithm>

#include "tests/harness/catch.h"
#include "tests/harness/lab/network.h"
#include "tests/soak/agent_logs.h"
#include "tests/soak/snapshot.h"
#include "tests/soak/tap.h"
#include "tests/soak/traffic.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;
using namespace pellicle::soak;
using Clock = std::chrono::steady_clock;

namespace {

const Place kWorker{"worker", "worker", "172.18.0.3"};
const Place kWorker2{"worker2", "worker2", "172.18.0.4"};

size_t found(const Ledger& ledger, const std::string& words) {
  const auto all = ledger.findings();
  return static_cast<size_t>(std::count_if(all.begin(), all.end(), [&](const std::string& each) {
    return each.find(words) != each.npos;
  }));
}

void flap(const std::string& node) {
  must_in(node, "ip link set eth0 down && sleep 0.2 && ip link set eth0 up");
}

// An agent's log with one line, dated now.
void write_log(const std::string& directory, const std::string& node, const std::string& level) {
  write_file(directory + "/" + node + "-agent.log",
             must("date -u +'{\"time\":\"%Y-%m-%dT%H:%M:%SZ\",\"level\":\"" + level +
                  "\",\"msg\":\"kernel refused\"}'"));
}

}  // namespace

TEST_CASE("soak: packets in the clear are found") {
  Ledger ledger(Clock::now());
  const Tap tap({{Cidr::parse("10.0.1.0/24").value(), IpAddress::parse("10.0.1.138").value()},
                 {Cidr::parse("10.0.0.0/24").value(), IpAddress::parse("10.0.0.40").value()}},
                ledger);
  Network network("/run/lab/captures", {seed_nodes()[0], seed_nodes()[1]}, /*recorded=*/false);
  must_in("worker", "ping -c 1 172.18.0.4");
  CHECK(tap.cleartext() == 0);  // nodes may send in the clear

  SECTION("between addresses of pods") {
    must_in("worker", "ip addr add 10.0.1.52/32 dev lo && ip route add 10.0.0.0/24 via 172.18.0.4");
    sh_in("worker", "ping -c 1 -W 1 -I 10.0.1.52 10.0.0.249");
    CHECK(wait_until([&] { return found(ledger, "10.0.1.52 > 10.0.0.249 protocol 1") > 0; }));
  }
  SECTION("with a pod's words, whatever its addresses are") {
    Traffic traffic(ledger);
    traffic.add(kWorker, kWorker2);
    CHECK(wait_until([&] { return found(ledger, "172.18.0.3 > 172.18.0.4 protocol 17") > 0; }));
  }
  CHECK(tap.cleartext() > 0);
  CHECK(found(ledger, "in the clear") == ledger.findings().size());
}

TEST_CASE("soak: a lost packet is found, unless something explains it") {
  const Network network("/run/lab/captures", {seed_nodes()[0], seed_nodes()[1]},
                        /*recorded=*/false);
  Ledger ledger(Clock::now());
  Traffic traffic(ledger);
  traffic.add(kWorker, kWorker2);
  REQUIRE(traffic.goes_on());
  traffic.settle();
  CHECK(traffic.lost() == 0);

  ledger.open("worker2", "a link that was down", Clock::now());
  flap("worker2");
  CHECK(traffic.goes_on());
  ledger.close(Clock::now());
  traffic.settle();
  const uint64_t explained = traffic.lost();
  CHECK(explained > 0);
  CHECK(ledger.findings().empty());

  ledger.open("worker3", "another node that was away", Clock::now());
  flap("worker2");
  CHECK(traffic.goes_on());
  ledger.close(Clock::now());
  traffic.settle();
  CHECK(traffic.lost() > explained);
  CHECK(found(ledger, "worker > worker2 (172.18.0.4): number ") == ledger.findings().size());
  CHECK(found(ledger, "never arrived, and nothing that was done then explains it") > 0);
  CHECK(traffic.lost() - explained == ledger.findings().size());
}

TEST_CASE("soak: an agent's error is found, unless something explains it") {
  Ledger ledger(Clock::now() - std::chrono::minutes(1));
  const std::string directory = "/run/lab/logs";
  must("mkdir -p " + directory);
  write_log(directory, "worker", "info");
  CHECK(complaints(directory, ledger).empty());
  write_log(directory, "worker", "error");
  write_file(directory + "/worker2-agent.log",
             "../agent/main.cpp:1:1: runtime error: a sanitizer's words\n");
  REQUIRE(complaints(directory, ledger).size() == 2);

  ledger.open("worker", "a link that was down", Clock::now() - std::chrono::seconds(10));
  ledger.open("worker2", "a link that was down", Clock::now() - std::chrono::seconds(10));
  const auto left = complaints(directory, ledger);
  REQUIRE(left.size() == 1);
  CHECK(left.front().first == "worker2");
  ledger.close(Clock::now() - std::chrono::seconds(8));
  CHECK(complaints(directory, ledger).size() == 2);
  forget_logs(directory);
  CHECK(complaints(directory, ledger).empty());
}

TEST_CASE("soak: whatever does not return to what it was is named") {
  Use before;
  before.counts = {{"eBPF programs", 20}};
  before.namespaces = {"net", "worker"};
  before.nodes["worker"] = {.resident = 30 << 20,
                            .descriptors = 20,
                            .threads = 5,
                            .counts = {{"XFRM states", 4}},
                            .listing = {"route: 10.0.0.0/24 via 172.18.0.4 dev eth0"}};
  const auto sentences = [&](const Use& after) { return not_returned(before, after); };
  const auto changed = [&](const std::function<void(Use&)>& change) {
    Use after = before;
    change(after);
    return sentences(after);
  };
  using Sentences = std::vector<std::string>;
  CHECK(sentences(before) == Sentences{});
  CHECK(changed([](Use& use) { use.nodes["worker"].resident += kMemoryAllowance; }) == Sentences{});
  CHECK(changed([](Use& use) { use.nodes["worker"].resident += kMemoryAllowance + 1; }).size() ==
        1);
  CHECK(changed([](Use& use) { use.nodes["worker"].descriptors = 22; }) == Sentences{});
  CHECK(changed([](Use& use) { use.nodes["worker"].descriptors = 23; }) ==
        Sentences{"worker's agent: file descriptors: 20 before, 23 at the end"});
  CHECK(changed([](Use& use) { use.nodes["worker"].threads = 6; }).size() == 1);
  CHECK(changed([](Use& use) { use.nodes["worker"].counts["XFRM states"] = 6; }) ==
        Sentences{"worker: XFRM states: 4 before, 6 at the end"});
  CHECK(changed([](Use& use) { use.nodes["worker"].counts.erase("XFRM states"); }).size() == 1);
  CHECK(changed([](Use& use) { use.nodes["worker"].listing = {"rule: 1: from all"}; }).size() == 2);
  CHECK(changed([](Use& use) { use.counts["eBPF programs"] = 21; }).size() == 1);
  CHECK(changed([](Use& use) { use.namespaces.emplace_back("passing7"); }).size() == 1);
}

}  // namespace this_file
