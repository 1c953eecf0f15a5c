#include "tests/bench/scale/report.h"

#include <cstdio>
#include <filesystem>
#include <string>

#include "tests/bench/figure.h"
#include "tests/bench/picture.h"
#include "tests/bench/scale/site.h"
#include "tests/bench/text.h"

namespace pellicle::bench {

namespace {

// The project's targets, by number of peers.
struct Targets {
  double empty_kernel, restart, rotation;
};
constexpr Targets targets_of(double peers) {
  if (peers <= 100) return {.empty_kernel = 2.0, .restart = 4, .rotation = 1.5};
  if (peers <= 1000) return {.empty_kernel = 1.3, .restart = 3, .rotation = 1.5};
  return {.empty_kernel = 1.1, .restart = 2.5, .rotation = 1.2};
}
constexpr double kMostOfIp = 0.5;
constexpr double kMostGrowth = 1.3;

void print_target(double value, double most) {
  std::printf("  <= %-4g%s\n", most, value <= most ? "" : "  missed");
}

// A table of ratios to another measurement of the same run. Keeps each as a figure and draws them.
class Ratios {
 public:
  Ratios(std::string at, const char* unit) : at_(std::move(at)), unit_(unit) {}

  void add(const char* what, const char* measure, double ours, double other, double most) {
    std::printf("%-46s  %9.1f  %9.1f  %6.2f", what, ours, other, ours / other);
    print_target(ours / other, most);
    picture_.at_most(what, ours / other, most);
    keep({.measure = measure,
          .at = at_,
          .ours = ours,
          .other = other,
          .unit = unit_,
          .target = most});
  }
  // A figure without a comparison.
  void time(const char* what, const char* measure, double ours) const {
    std::printf("%-46s  %9.1f\n", what, ours);
    keep({.measure = measure, .at = at_, .ours = ours, .unit = unit_});
  }
  void print_picture() const { picture_.print(); }

 private:
  std::string at_;
  const char* unit_;
  Picture picture_;
};

void print_kinds(const char* what, const Kinds& kinds) {
  std::printf("%-14s  %8.2f  %8.2f  %8.2f  %8.2f  %9.2f  %8.2f\n", what, kinds.states,
              kinds.policies, kinds.peers, kinds.routes, kinds.netfilter, kinds.rest);
}

void print_parts(const char* what, const PassParts& parts) {
  std::printf("%-14s  %8.2f  %8.2f  %8.2f  %8.2f  %9.2f  %8.2f\n", what, parts.dump, parts.gather,
              parts.compute, parts.plan, parts.apply, parts.all());
}

// Reads everything and finds nothing to do.
double restart(const Life& life) {
  return life.restart.dump + life.restart.compute + life.restart.plan;
}
double restart_without_tools(const Life& life) {
  return life.first_dump.of_peers() + life.first_dump.rest + life.restart.compute +
         life.restart.plan;
}
double one_more_without_tools(const Life& life) {
  return life.one_more.all() - life.one_more.dump + life.dump.of_peers() + life.dump.rest;
}
double of_peers(const Addition& addition) {
  return addition.pass.compute + addition.pass.plan + addition.apply.of_peers();
}

void print_ratios(const Measured& measured, KeyForm form) {
  const auto& [peers, life, addition, floor, ip, rotation] = measured;
  const double floor_dump = life.floor_dump.of_peers();
  const auto most = targets_of(peers);
  Ratios ratios(text("%zu peers", static_cast<size_t>(peers)) +
                    (form == KeyForm::per_pair ? "" : ", one key"),
                "ms");
  std::printf("%-46s  %9s  %9s  %6s  target\n", "milliseconds", "ours", "other", "ratio");
  ratios.add("from an empty kernel / floor", "empty_kernel", life.first.all(), floor.of_peers(),
             most.empty_kernel);
  ratios.add("  compute, plan, apply of the peers alone", "peers_alone", of_peers(addition),
             floor.of_peers(), most.empty_kernel);
  ratios.add("  apply of the peers alone", "peers_apply", addition.apply.of_peers(),
             floor.of_peers(), most.empty_kernel);
  if (ip > 0) {
    ratios.add("from an empty kernel / ip -batch", "empty_kernel_ip", life.first.all(), ip,
               kMostOfIp);
    ratios.add("  compute, plan, apply of the peers alone", "peers_alone_ip", of_peers(addition),
               ip, kMostOfIp);
  }
  ratios.add("restart, nothing to do / floor's dump", "restart", restart(life), floor_dump,
             most.restart);
  ratios.add("  without the netfilter tools", "restart_without_tools", restart_without_tools(life),
             floor_dump, most.restart);
  ratios.add("rotation without the dumps / floor", "rotation", rotation.compute + rotation.apply,
             rotation.floor, most.rotation);
  ratios.add("  apply alone", "rotation_apply", rotation.apply, rotation.floor, most.rotation);
  const auto& more = life.one_more;
  ratios.time("one more peer, the whole pass", "one_more_peer", more.all());
  ratios.time("  without the netfilter tools", "one_more_peer_without_tools",
              one_more_without_tools(life));
  std::printf("  the dump is %.0f %% of the pass, without the tools %.0f %%\n",
              100 * more.dump / more.all(),
              100 * (life.dump.of_peers() + life.dump.rest) / one_more_without_tools(life));
  ratios.print_picture();
}

}  // namespace

void print(const Measured& measured, KeyForm form) {
  const auto& life = measured.life;
  std::printf("== %.0f peers, %s; medians\n\n", measured.peers,
              form == KeyForm::per_pair ? "a key for each pair" : "one key on every node");
  print_ratios(measured, form);
  std::printf("%-14s  %8s  %8s  %8s  %8s  %9s  %8s\n", "milliseconds", "states", "policies", "map",
              "routes", "netfilter", "rest");
  print_kinds("apply", measured.addition.apply);
  print_kinds("floor", measured.floor);
  print_kinds("first dump", life.first_dump);
  print_kinds("next dump", life.dump);
  print_kinds("floor's dump", life.floor_dump);
  std::printf("\n%-14s  %8s  %8s  %8s  %8s  %9s  %8s\n", "milliseconds", "dump", "gather",
              "compute", "plan", "apply", "all");
  print_parts("empty kernel", life.first);
  print_parts("without peers", measured.addition.without);
  print_parts("peers alone", measured.addition.pass);
  print_parts("restart", life.restart);
  print_parts("one more peer", life.one_more);
  std::printf("\nloading the eBPF programs, once a process: %.1f ms\n", life.load);
  std::printf("resident: %.1f MB, at most %.1f MB; before the first pass %.1f MB\n\n",
              life.memory.now, life.memory.most, life.memory.before);
  std::fflush(stdout);
}

void print_growth(const Measured& few, const Measured& many) {
  std::printf("== microseconds a peer: %.0f peers beside %.0f\n\n", many.peers, few.peers);
  std::printf("%-46s  %9s  %9s  %6s  target\n", "", "many", "few", "ratio");
  const auto number = [](const Measured& each) { return static_cast<size_t>(each.peers); };
  Ratios ratios(text("%zu peers", number(many)) + text(" / %zu", number(few)), "us");
  const auto row = [&](const char* what, const char* measure, const auto& of) {
    const double of_many = 1000 * of(many) / many.peers;
    const double of_few = 1000 * of(few) / few.peers;
    ratios.add(what, measure, of_many, of_few, kMostGrowth);
  };
  row("from an empty kernel", "growth_empty_kernel",
      [](const Measured& each) { return each.life.first.all(); });
  row("compute, plan, apply of the peers", "growth_peers_alone",
      [](const Measured& each) { return of_peers(each.addition); });
  row("  floor", "growth_floor", [](const Measured& each) { return each.floor.of_peers(); });
  row("restart without netfilter tools", "growth_restart",
      [](const Measured& each) { return restart_without_tools(each.life); });
  row("  floor's dump", "growth_floor_dump",
      [](const Measured& each) { return each.life.floor_dump.of_peers(); });
  ratios.print_picture();
}

void print_sizes() {
  struct Program {
    std::string name;
    const char* measure;
    double most;  // MB
  };
  const TemporaryDirectory folder;
  std::printf("== stripped\n\n");
  for (const Program& program :
       {Program{"pellicle-agent", "size_agent", 6}, Program{"pellicle", "size_command_line", 2},
        Program{"pellicle-cni", "size_plugin", 2}}) {
    const auto file = folder.path() + "/" + program.name;
    run({"strip", "-o", file, PELLICLE_PROGRAMS "/" + program.name});
    const double size = static_cast<double>(std::filesystem::file_size(file)) / 1e6;
    std::printf("%-15s  %8.2f MB\n", program.name.c_str(), size);
    keep({.measure = program.measure, .ours = size, .unit = "MB", .target = program.most});
  }
}

}  // namespace pellicle::bench
