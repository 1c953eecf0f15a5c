// Whether a packet's cost depends on the number of peers: two nodes with many peers beside two with
// ten, in one kernel and in turns.
//
//   bench-policies [peers [rounds]]   default 5000 50
#include <cstdio>
#include <string>

#include "tests/bench/event/cluster.h"
#include "tests/bench/flow.h"
#include "tests/bench/rates.h"
#include "tests/harness/lab/lab.h"

using namespace pellicle;
using namespace pellicle::bench;
using lab::Lab;

namespace {

constexpr size_t kFirstPeer = 256;  // 10.1.0.0/24 and 172.18.1.0: outside the lab's own
constexpr size_t kFew = 10;         // peers
constexpr double kLeast = 0.97;

// `node` sends, `far_node` receives.
struct Pair {
  const char* node;
  const char* far_node;
  const char* pod;
  const char* pod_address;
  const char* far;
  const char* far_address;
};
constexpr Pair kMany{"worker", "worker2", "net", "10.0.1.52", "far", "10.0.0.249"};
constexpr Pair kBeside{"control-plane", "worker3", "few-net", "10.0.2.53", "few-far", "10.0.3.249"};

std::vector<lab::NodeSpec> nodes() {
  auto nodes = lab::seed_nodes();
  nodes.push_back(lab::fourth_node());
  return nodes;
}

// Nodes without images: this benchmark does not measure their decoding.
void add_peers(Lab& lab, size_t begin, size_t end) {
  for (size_t i = begin; i < end; ++i) {
    auto node = peer_object(kFirstPeer + i);
    node["status"].erase("images");
    lab.api().create(node);
  }
}

void wait_for_rest(Lab& lab, const char* node, size_t peers) {
  const auto last = peer_cidr(kFirstPeer + peers - 1);
  const auto all = [&] {
    return !lab::must_in(node, "ip xfrm policy list dst " + last).empty() &&
           lab.agent(node).ctl("diff").output.find("nothing to do") != std::string::npos;
  };
  if (!lab::wait_until(all, std::chrono::minutes(5))) throw lab::LabError("no end of programming");
}

void add_pods(Lab& lab, const Pair& pair) {
  lab.add_pod(pair.node, pair.pod, pair.pod_address);
  lab.add_pod(pair.far_node, pair.far, pair.far_address);
}

// A node keeps what its agent programmed after the agent stops. All agents stop with few peers; two
// of them start again and learn all peers. No agent runs during the measurement. `peers` counts
// from kFirstPeer.
void program(Lab& lab, size_t few, size_t peers) {
  add_peers(lab, 0, few);
  for (const auto& node : nodes()) lab.start_agent(node.name);  // each with its own timeout
  add_pods(lab, kMany);
  add_pods(lab, kBeside);
  for (const auto& node : nodes()) wait_for_rest(lab, node.name.c_str(), few);
  for (const auto& node : nodes()) lab.agent(node.name).stop();
  add_peers(lab, few, peers);
  for (const auto* node : {kMany.node, kMany.far_node}) {
    lab.agent(node).start();
    wait_for_rest(lab, node, peers);
    lab.agent(node).stop();
  }
}

// The kernel finds policies of these prefix lengths and longer in a hash table, not in a tree.
void hash_policies() {
  for (const auto* node : {kMany.node, kMany.far_node}) {
    lab::must_in(node, "ip xfrm policy set hthresh4 24 24 hthresh6 64 64");
  }
  sleep(1);  // the kernel rehashes its policies meanwhile
}

void measure(size_t peers, int rounds) {
  const size_t others = nodes().size() - 1;
  Lab lab({.nodes = nodes(),
           .recorded = false,
           .agent_config = "cluster-health-interval = 0\nresync-seconds = 3600\n"});
  program(lab, kFew - others, peers - others);
  Flow many(kMany.pod, kMany.far, kMany.far_address);
  Flow few(kBeside.pod, kBeside.far, kBeside.far_address);
  const auto name = "policies_" + std::to_string(peers);
  RateTable table("");
  std::printf("== %zu peers beside %zu, a key for each pair\n\n", peers, kFew);
  RateTable::print_head("10 peers");
  const auto rows = [&](const std::string& how) {
    const auto datagrams = in_turns(
        rounds, [&] { return many.datagrams(); }, [&] { return few.datagrams(); });
    table.row("64-byte datagrams", (name + how).c_str(), datagrams, kThousands, kLeast);
    const auto tcp = in_turns(
        rounds, [&] { return many.tcp(); }, [&] { return few.tcp(); });
    table.row("  TCP", (name + "_tcp" + how).c_str(), tcp, kMegabytes, kLeast);
  };
  rows("");
  hash_policies();
  std::printf("  policies hashed by hand: hthresh4 24 24\n");
  rows("_hashed");
  table.print_picture();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    measure(argc > 1 ? std::stoul(argv[1]) : 5000, argc > 2 ? std::stoi(argv[2]) : 50);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench-policies: %s\n", error.what());
    return 1;
  }
}
