// Throughput between pods, on two nodes and on one, beside two nodes with hand-written `ip xfrm`
// and no eBPF on the same bridge in the same kernel. Also a ClusterIP beside the same pod's own
// address.
//
//   bench-datapath [rounds]   default 50
#include <cstdio>
#include <string>

#include "tests/bench/datapath/hand_made.h"
#include "tests/bench/flow.h"
#include "tests/bench/rates.h"
#include "tests/harness/lab/lab.h"

using namespace pellicle;
using namespace pellicle::bench;
using lab::Lab;

namespace {

constexpr const char* kNode = "worker";
constexpr const char* kFarNode = "worker2";
constexpr const char* kPod = "net";
constexpr const char* kNeighbour = "neighbour";
constexpr const char* kNeighbourAddress = "10.0.1.53";
constexpr const char* kFar = "far";
constexpr const char* kFarAddress = "10.0.0.249";
constexpr const char* kService = "10.96.169.246";

struct Both {
  Rates tcp, datagrams;
};

Both measure(int rounds, Flow& ours, Flow& other) {
  const auto tcp = in_turns(
      rounds, [&] { return ours.tcp(); }, [&] { return other.tcp(); });
  const auto datagrams = in_turns(
      rounds, [&] { return ours.datagrams(); }, [&] { return other.datagrams(); });
  return {tcp, datagrams};
}

unsigned route_mtu(const std::string& pod) {
  const auto route = lab::must_in(pod, "ip route show default");
  return static_cast<unsigned>(std::stoul(route.substr(route.find("mtu ") + 4)));
}

// The rule that kube-proxy's chains end in, for a Service with one endpoint.
void add_service() {
  lab::must_in(kNode, lab::iptables() + " -t nat -A PREROUTING -d " + kService +
                          " -j DNAT --to-destination " + kFarAddress);
}

void measure_form(const char* form, const char* at, const std::string& key_line, int rounds) {
  const auto seed = lab::seed_nodes();
  Lab lab({.nodes = {seed[0], seed[1]},
           .key_line = key_line,
           .recorded = false,
           .agent_config = "cluster-health-interval = 0\nresync-seconds = 3600\n"});
  lab.start_agents();
  lab.add_pod(kNode, kPod, "10.0.1.52");
  lab.add_pod(kNode, kNeighbour, kNeighbourAddress);
  lab.add_pod(kFarNode, kFar, kFarAddress);
  const HandMade hand(lab.network(), route_mtu(kPod));
  Flow direct(kPod, kFar, kFarAddress);
  Flow by_hand(HandMade::kPod, HandMade::kFar, HandMade::kFarAddress);
  std::printf("== %s; segments of %u and %u bytes\n\n", form, direct.segment(), by_hand.segment());

  RateTable table(at);
  RateTable::print_head("by hand");
  const auto between = measure(rounds, direct, by_hand);
  table.row("TCP between nodes", "node_to_node_tcp", between.tcp, kMegabytes, 0.97);
  table.row("  64-byte datagrams", "node_to_node_datagrams", between.datagrams, kThousands, 0.95);
  Flow to_neighbour(kPod, kNeighbour, kNeighbourAddress);
  Flow routed(HandMade::kPod, HandMade::kNeighbour, HandMade::kNeighbourAddress);
  const auto near = measure(rounds, to_neighbour, routed);
  table.row("TCP on one node / plain routing", "one_node_tcp", near.tcp, kMegabytes, 1.0);
  table.row("  datagrams", "one_node_datagrams", near.datagrams, kThousands, 1.0);

  std::printf("\n");
  RateTable::print_head("direct");
  add_service();
  Flow by_service(kPod, kFar, kService);
  const auto service = measure(rounds, by_service, direct);
  table.row("TCP through a ClusterIP", "clusterip_tcp", service.tcp, kMegabytes, 0.97);
  table.row("  datagrams", "clusterip_datagrams", service.datagrams, kThousands, 0.97);
  table.print_picture();
  for (const auto* pod : {kPod, kNeighbour, kFar}) lab.delete_pod(pod);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int rounds = argc > 1 ? std::stoi(argv[1]) : 50;
    measure_form("a key for each pair of nodes", "", lab::pair_key_line(), rounds);
    measure_form("one key on every node", "one key", api::kSeedKeyLine, rounds);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench-datapath: %s\n", error.what());
    return 1;
  }
}
