// Times a Node from the API server to the kernel, and the agent's costs meanwhile: the shipped
// agent beside an API server with many Nodes of realistic size.
//
//   bench-event [peers...]   default 10 1000 5000
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <stdexcept>
#include <vector>

#include "tests/bench/event/agent_process.h"
#include "tests/bench/event/cluster.h"
#include "tests/bench/figure.h"
#include "tests/bench/picture.h"
#include "tests/bench/text.h"
#include "tests/harness/api/seed.h"

using namespace pellicle;
using namespace pellicle::bench;

namespace {

constexpr const char* kToken = "a-token";
constexpr const char* kUser = "system:serviceaccount:kube-system:pellicle";
constexpr const char* kKeyLine =
    "3+ rfc4106(gcm(aes)) 000102030405060708090a0b0c0d0e0f10111213 128";

constexpr int kEvents = 15;
constexpr unsigned kBetween = 3;     // seconds: the pass after an event ends within
constexpr unsigned kIdle = 300;      // seconds; with many peers, one resync falls into them
constexpr int kRoutesOfAPeer = 2;    // in table 200 and in main; the last objects of a peer
constexpr double kMostLatency = 15;  // milliseconds
constexpr double kMostIdle = 0.1;    // per cent of a core
constexpr double kMostMemory = 24;   // MiB, at 5000 peers
constexpr double kLeastMemory = 10;  // MiB, at 10 peers

struct Costs {
  double listed = 0;            // ms, from process start to the last peer's route
  double median = 0, most = 0;  // ms, of one event
  double idle = 0;              // per cent of a core
  double resident = 0, peak = 0;
};

Costs measure(size_t peers) {
  const Site site;
  ApiFixture api;
  api.allow_token(kToken, kUser);
  api.create(api::key_secret(kKeyLine));
  api.create(self_object());
  for (size_t i = 1; i <= peers; ++i) api.create(peer_object(i));

  RouteNews news;
  Costs costs;
  const double start = now();
  const AgentProcess agent(site, api, kToken);
  costs.listed = news.wait_for(peer_cidr(peers), kRoutesOfAPeer, start);
  sleep(2 * kBetween);
  std::vector<double> taken;
  for (int i = 0; i < kEvents; ++i) {
    const size_t number = peers + 1 + static_cast<size_t>(i);
    auto node = peer_object(number);
    const double sent = now();
    api.create(node);
    taken.push_back(news.wait_for(peer_cidr(number), kRoutesOfAPeer, sent));
    sleep(kBetween);
  }
  std::sort(taken.begin(), taken.end());
  costs.median = taken[taken.size() / 2];
  costs.most = taken.back();
  const double before = agent.cpu_seconds();
  sleep(kIdle);
  costs.idle = 100 * (agent.cpu_seconds() - before) / kIdle;
  costs.resident = agent.memory("VmRSS");
  costs.peak = agent.memory("VmHWM");
  return costs;
}

class Table {
 public:
  explicit Table(size_t peers) : at_(text("%zu peers", peers)) {}

  // `most`: the target; nullopt if the row has none.
  void row(const char* what, const char* measure, double value, const char* unit,
           std::optional<double> most = {}) {
    std::printf("%-58s  %9.2f %-3s", what, value, unit);
    if (most) {
      std::printf("  <= %-4g%s", *most, value <= *most ? "" : "  missed");
      picture_.at_most(what, value, *most);
    }
    std::printf("\n");
    keep({.measure = measure, .at = at_, .ours = value, .unit = unit, .target = most});
  }
  void print_picture() const { picture_.print(); }

 private:
  std::string at_;
  Picture picture_;
};

void print(size_t peers, const Costs& costs) {
  std::printf("== %zu peers, a key for each pair, Nodes of %zu bytes\n\n", peers, kNodeBytes);
  Table table(peers);
  table.row("from the agent's start to the last peer's routes", "start_to_routes", costs.listed,
            "ms");
  table.row("a Node more -> its last route, median", "node_to_routes", costs.median, "ms",
            kMostLatency);
  table.row("  the longest of them", "node_to_routes_longest", costs.most, "ms");
  table.row("idle, of a core", "idle_agent", costs.idle, "%", kMostIdle);
  table.row("resident", "resident_agent", costs.resident, "MiB",
            peers > 10 ? kMostMemory : kLeastMemory);
  table.row("  at most", "resident_agent_peak", costs.peak, "MiB");
  table.print_picture();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    std::vector<size_t> sizes;
    for (int i = 1; i < argc; ++i) sizes.push_back(std::stoul(argv[i]));
    if (sizes.empty()) sizes = {10, 1000, 5000};
    for (const size_t peers : sizes) print(peers, apart([&] { return measure(peers); }));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench-event: %s\n", error.what());
    return 1;
  }
}
