// What pods get of the network, beside two nodes with hand-written `ip xfrm` and no eBPF, on the
// same bridge in the same kernel: between nodes, with many peers, and on one node.
//
//   bench-datapath [peers [rounds]]   default 5000 9
#include <cstdio>
#include <iterator>
#include <vector>

#include "tests/bench/datapath/flow.h"
#include "tests/bench/datapath/hand_made.h"
#include "tests/bench/event/cluster.h"
#include "tests/bench/picture.h"
#include "tests/bench/scale/median.h"
#include "tests/harness/lab/lab.h"

using namespace pellicle;
using namespace pellicle::bench;
using lab::Lab;

namespace {

constexpr size_t kFirstPeer = 256;  // 10.1.0.0/24 and 172.18.1.0: beyond the lab's own
constexpr double kSeconds = 0.7;    // of one measurement
constexpr const char* kNode = "worker";
constexpr const char* kFarNode = "worker2";
constexpr const char* kPod = "net";
constexpr const char* kNeighbour = "neighbour";
constexpr const char* kFar = "far";

// Of a round: ours, by hand, and one by the other. The medians of each.
struct Rates {
  double ours = 0, hand = 0, ratio = 0;
};

// Who is first changes: both stand on the same machine, whose speed drifts.
template <class Ours, class Hand>
Rates in_turns(int rounds, const Ours& ours, const Hand& hand) {
  std::vector<Rates> all;
  for (int i = 0; i < rounds; ++i) {
    Rates rates;
    if (i % 2 == 1) rates.hand = hand();
    rates.ours = ours();
    if (i % 2 == 0) rates.hand = hand();
    rates.ratio = rates.ours / rates.hand;
    all.push_back(rates);
  }
  return median(all);
}

// Rates, and a picture of those of which something is wanted.
class Table {
 public:
  // `least`: of the ratio; 0 when nothing is wanted of it.
  void row(const char* what, const Rates& rates, double unit, double least) {
    std::printf("  %-44s  %9.1f  %9.1f  %5.2f", what, rates.ours / unit, rates.hand / unit,
                rates.ratio);
    wanted(what, rates.ratio, least);
  }
  void change(const char* what, const Rates& few, const Rates& many, double least) {
    std::printf("  %-44s  %27.2f", what, many.ratio / few.ratio);
    wanted(what, many.ratio / few.ratio, least);
  }
  void print_picture() const { picture_.print(); }

 private:
  void wanted(const char* what, double ratio, double least) {
    if (least > 0) {
      std::printf("  >= %.2f%s", least, ratio >= least ? "" : "  missed");
      picture_.at_least(what, ratio, least);
    }
    std::printf("\n");
    std::fflush(stdout);
  }

  Picture picture_;
};

struct Both {
  Rates tcp, datagrams;
};

Both measure(int rounds, Receiver& ours, Receiver& hand) {
  const auto tcp = in_turns(
      rounds, [&] { return ours.tcp(kPod, kSeconds); },
      [&] { return hand.tcp(HandMade::kPod, kSeconds); });
  const auto datagrams = in_turns(
      rounds, [&] { return ours.datagrams(kPod, kSeconds); },
      [&] { return hand.datagrams(HandMade::kPod, kSeconds); });
  return {tcp, datagrams};
}

// The agents of both nodes find so many peers more when they start again. A list is quicker than as
// many events.
void add_peers(Lab& lab, size_t peers) {
  for (const auto& node : lab::seed_nodes()) lab.agent(node.name).stop();
  for (size_t i = 0; i < peers; ++i) {
    auto node = peer_object(kFirstPeer + i);
    node["status"].erase("images");
    lab.api().create(node);
  }
  for (const auto* node : {kNode, kFarNode}) {
    lab.agent(node).start();
    const auto all = [&] {
      const auto last = peer_cidr(kFirstPeer + peers - 1);
      return !lab::must_in(node, "ip route show table 200 " + last).empty() &&
             lab.agent(node).ctl("diff").output.find("nothing to do") != std::string::npos;
    };
    if (!lab::wait_until(all, std::chrono::minutes(5)))
      throw lab::LabError("no end of programming");
  }
}

unsigned route_mtu(const std::string& pod) {
  const auto route = lab::must_in(pod, "ip route show default");
  return static_cast<unsigned>(std::stoul(route.substr(route.find("mtu ") + 4)));
}

void measure_form(const char* form, const std::string& key_line, size_t peers, int rounds) {
  Lab lab({.key_line = key_line,
           .recorded = false,
           .agent_config = "cluster-health-interval = 0\nresync-seconds = 3600\n"});
  lab.start_agents();
  lab.add_pod(kNode, kPod, "10.0.1.52");
  lab.add_pod(kNode, kNeighbour, "10.0.1.53");
  lab.add_pod(kFarNode, kFar, "10.0.0.249");
  const HandMade hand(lab.network(), route_mtu(kPod));
  Receiver far(kFar, "10.0.0.249");
  Receiver hand_far(HandMade::kFar, HandMade::kFarAddress);
  std::printf("== %s; segments of %u and %u bytes\n\n  %-44s  %9s  %9s  %5s  target\n\n", form,
              far.segment(kPod), hand_far.segment(HandMade::kPod), "", "ours", "by hand", "ratio");

  Table table;
  const auto few = measure(rounds, far, hand_far);
  table.row("TCP between nodes, MB a second", few.tcp, 1e6, 0.95);
  table.row("  64-byte datagrams, thousands a second", few.datagrams, 1e3, 0.95);
  Receiver neighbour(kNeighbour, "10.0.1.53");
  Receiver hand_neighbour(HandMade::kNeighbour, HandMade::kNeighbourAddress);
  const auto near = measure(rounds, neighbour, hand_neighbour);
  table.row("TCP on one node / plain routing", near.tcp, 1e6, 1);
  table.row("  datagrams", near.datagrams, 1e3, 1);

  add_peers(lab, peers);
  const auto many = measure(rounds, far, hand_far);
  std::printf("  with %zu peers more\n", peers);
  table.row("TCP between nodes", many.tcp, 1e6, 0);
  table.row("  datagrams", many.datagrams, 1e3, 0);
  table.change("TCP / with three nodes", few.tcp, many.tcp, 0.97);
  table.change("  datagrams / with three nodes", few.datagrams, many.datagrams, 0.97);
  table.print_picture();
  for (const auto* pod : {kPod, kNeighbour, kFar}) lab.delete_pod(pod);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (const auto status = flow_program(argc, argv)) return *status;
    const size_t peers = argc > 1 ? std::stoul(argv[1]) : 5000;
    const int rounds = argc > 2 ? std::stoi(argv[2]) : 9;
    measure_form("a key for each pair of nodes", lab::pair_key_line(), peers, rounds);
    measure_form("one key on every node", api::kSeedKeyLine, peers, rounds);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench-datapath: %s\n", error.what());
    return 1;
  }
}
