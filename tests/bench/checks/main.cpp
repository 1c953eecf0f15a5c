// What the checks of sources cost pods' traffic between nodes: two nodes as they are beside two
// whose programs check nothing, in one kernel and in turns.
//
//   bench-checks [rounds]   default 50
#include <cstdio>
#include <string>

#include "tests/bench/flow.h"
#include "tests/bench/rates.h"
#include "tests/harness/lab/lab.h"

using namespace pellicle;
using namespace pellicle::bench;
using lab::Lab;

namespace {

constexpr const char* kConfig = "cluster-health-interval = 0\nresync-seconds = 3600\n";
constexpr double kLeast = 0.98;

// `node` sends, `far_node` receives.
struct Pair {
  const char* agent;  // the program
  const char* node;
  const char* far_node;
  const char* pod;
  const char* pod_address;
  const char* far;
  const char* far_address;
};
constexpr Pair kChecked{"pellicle-agent", "worker", "worker2",   "net",
                        "10.0.1.52",      "far",    "10.0.0.249"};
constexpr Pair kUnchecked{"pellicle-agent-unchecked",
                          "control-plane",
                          "worker3",
                          "other-net",
                          "10.0.2.53",
                          "other-far",
                          "10.0.3.249"};

void measure(int rounds) {
  auto nodes = lab::seed_nodes();
  nodes.push_back(lab::fourth_node());
  Lab lab({.nodes = nodes, .recorded = false, .agent_config = kConfig});
  for (const Pair& pair : {kChecked, kUnchecked})
    for (const auto* node : {pair.node, pair.far_node}) lab.agent(node).start(kConfig, pair.agent);
  for (const auto& node : nodes)
    if (!lab.agent(node.name).wait_ready()) throw lab::LabError(node.name + ": no agent is ready");
  for (const Pair& pair : {kChecked, kUnchecked}) {
    lab.add_pod(pair.node, pair.pod, pair.pod_address);
    lab.add_pod(pair.far_node, pair.far, pair.far_address);
  }
  Flow checked(kChecked.pod, kChecked.far, kChecked.far_address);
  Flow unchecked(kUnchecked.pod, kUnchecked.far, kUnchecked.far_address);
  const auto datagrams = in_turns(
      rounds, [&] { return checked.datagrams(); }, [&] { return unchecked.datagrams(); });
  const auto tcp = in_turns(
      rounds, [&] { return checked.tcp(); }, [&] { return unchecked.tcp(); });
  RateTable table("");
  RateTable::print_head("unchecked");
  table.row("64-byte datagrams between nodes", "checked_datagrams", datagrams, kThousands, kLeast);
  table.row("  TCP", "checked_tcp", tcp, kMegabytes, kLeast);
  table.print_picture();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    measure(argc > 1 ? std::stoi(argv[1]) : 50);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench-checks: %s\n", error.what());
    return 1;
  }
}
