// What a cluster's agents ask of the API server, at rest and when something happens: simulated
// nodes with the real core, stores, watches and publishers, the shipped operator, an API server.
//
//   bench-cluster [nodes...]   default 40 200
#include <cmath>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/bench/cluster/agents.h"
#include "tests/bench/cluster/node_object.h"
#include "tests/bench/cluster/site.h"
#include "tests/bench/figure.h"
#include "tests/bench/text.h"
#include "tests/harness/api/seed.h"

using namespace pellicle;
using namespace pellicle::bench;

namespace {

constexpr size_t kHeartbeats = 12;  // in an hour
constexpr double kMostRestBytes = 0.1;
constexpr double kMostPatches = 2;

struct Scenario {
  const char* name;     // for people
  const char* measure;  // for results.jsonl
  void (*run)(Site& site);
};

void rest(Site& site) {
  for (size_t round = 0; round < kHeartbeats; ++round) site.heartbeats(round);
}

// The last node's Node is made new, as when a machine joins.
void join(Site& site) {
  const auto number = site.count();
  site.api().remove(api::node_key(node_name(number)));
  site.agents().say("stop " + std::to_string(number));
  site.api().create(fresh_node(number));
  site.agents().say("start " + std::to_string(number));
}

void leave(Site& site) {
  site.agents().say("stop " + std::to_string(site.count()));
  site.api().remove(api::node_key(node_name(site.count())));
}

void come_back(Site& site) {
  site.api().create(fresh_node(site.count()));
  site.agents().say("start " + std::to_string(site.count()));
}

void flush(Site& site) {
  site.agents().say("flush 1");
}

void rotate(Site& site) {
  site.api().update(
      api::key_secret("4+ rfc4106(gcm(aes)) 100102030405060708090a0b0c0d0e0f10111213 128"));
}

void restart_operator(Site& site) {
  site.restart_operator();
}

void forget(Site& site) {
  site.api().forget_history();
  site.api().disturb_watches(api::FaultKind::expire);
}

constexpr Scenario kScenarios[] = {
    {"rest for an hour", "rest", rest},
    {"a node is made anew", "node_joins", join},
    {"a node leaves", "node_leaves", leave},
    {"and returns", "node_returns", come_back},
    {"a node flushes its states", "node_flushes", flush},
    {"a rotation", "rotation", rotate},
    {"the operator restarts", "operator_restarts", restart_operator},
    {"the API server forgets (410)", "history_lost", forget},
};

struct Measured {
  size_t nodes;
  std::vector<Cost> full, metadata;  // by scenario
};

std::vector<Cost> measure(size_t nodes, Form form) {
  Site site(nodes, form);
  std::vector<Cost> costs;
  for (const auto& scenario : kScenarios)
    costs.push_back(site.cost_of([&] { scenario.run(site); }));
  return costs;
}

void print_line(const char* what, const char* unit, double full, double metadata) {
  std::printf("    %-34s %12.1f %12.1f %-5s %8.3f\n", what, full, metadata, unit,
              full > 0 ? metadata / full : 0);
}

void print(const Scenario& scenario, const Cost& full, const Cost& metadata) {
  std::printf("  %s (%.0f s, %.0f s)\n", scenario.name, full.seconds, metadata.seconds);
  print_line("PATCHes of Nodes", "", full.patches, metadata.patches);
  print_line("  of one node, at most", "", full.most_patches, metadata.most_patches);
  print_line("LISTs and GETs", "", full.reads, metadata.reads);
  print_line("events to an agent", "", full.events, metadata.events);
  print_line("kilobytes to an agent", "kB", full.bytes / 1000, metadata.bytes / 1000);
  print_line("processor time of an agent", "ms", full.agent_cpu, metadata.agent_cpu);
  print_line("processor time of the server", "ms", full.server_cpu, metadata.server_cpu);
  std::printf("    %-34s %12zu %12zu\n", "nodes that begin an epoch", full.new_epochs.size(),
              metadata.new_epochs.size());
}

void keep_figures(const Scenario& scenario, size_t nodes, const Cost& full, const Cost& metadata) {
  const std::string name = scenario.measure;
  const auto at = text("%zu nodes", nodes);
  const bool resting = name == "rest";
  keep({.measure = name + "_bytes" + (resting ? "_metadata" : ""),
        .at = at,
        .ours = metadata.bytes / 1000,
        .other = full.bytes / 1000,
        .unit = "kB",
        .target = resting ? std::optional(kMostRestBytes) : std::nullopt});
  keep({.measure = name + "_agent_cpu",
        .at = at,
        .ours = metadata.agent_cpu,
        .other = full.agent_cpu,
        .unit = "ms"});
  keep({.measure = name + "_events", .at = at, .ours = metadata.events, .unit = "events"});
  const bool returns = name == "node_returns";
  keep({.measure = name + "_patches",
        .at = at,
        .ours = metadata.patches,
        .unit = "PATCHes",
        .target = returns ? std::optional(kMostPatches) : std::nullopt});
  if (name == "rotation")
    keep({.measure = "rotation_patches_of_a_node",
          .at = at,
          .ours = metadata.most_patches,
          .unit = "PATCHes",
          .target = kMostPatches});
  if (returns)
    keep({.measure = "node_returns_epochs_of_others",
          .at = at,
          .ours = static_cast<double>(metadata.new_epochs.size() -
                                      metadata.new_epochs.count(node_name(nodes))),
          .unit = "epochs",
          .target = 0});
}

// How a figure grows with the number of nodes: the exponent.
void print_growth(const Measured& first, const Measured& last) {
  const double times = std::log(static_cast<double>(last.nodes) / static_cast<double>(first.nodes));
  const auto exponent = [&](double small, double large) {
    return small > 0 && large > 0 ? std::log(large / small) / times : 0;
  };
  std::printf(
      "== growth from %zu to %zu nodes, as exponent: PATCHes, events, bytes, processor time "
      "of an agent\n",
      first.nodes, last.nodes);
  for (size_t i = 0; i < std::size(kScenarios); ++i) {
    const auto& a = first.metadata[i];
    const auto& b = last.metadata[i];
    std::printf("  %-34s %6.2f %6.2f %6.2f %6.2f\n", kScenarios[i].name,
                exponent(a.patches, b.patches), exponent(a.events, b.events),
                exponent(a.bytes, b.bytes), exponent(a.agent_cpu, b.agent_cpu));
  }
}

void run(const std::vector<size_t>& sizes) {
  std::vector<Measured> all;
  for (const size_t nodes : sizes) {
    const auto& now = all.emplace_back(Measured{.nodes = nodes,
                                                .full = measure(nodes, Form::full),
                                                .metadata = measure(nodes, Form::metadata)});
    std::printf("== %zu nodes: Nodes in full, metadata, ratio\n", nodes);
    for (size_t i = 0; i < std::size(kScenarios); ++i) {
      print(kScenarios[i], now.full[i], now.metadata[i]);
      keep_figures(kScenarios[i], nodes, now.full[i], now.metadata[i]);
    }
    std::fflush(stdout);
  }
  if (all.size() > 1) print_growth(all.front(), all.back());
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc == 4 && std::string(argv[1]) == "--agents")
      return run_agents(argv[2], std::stoul(argv[3]));
    std::vector<size_t> sizes;
    for (int i = 1; i < argc; ++i) sizes.push_back(std::stoul(argv[i]));
    run(sizes.empty() ? std::vector<size_t>{40, 200} : sizes);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench-cluster: %s\n", error.what());
    return 1;
  }
}
