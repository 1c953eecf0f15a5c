#include "tests/bench/scale/report.h"

#include <cstdio>
#include <filesystem>
#include <string>

#include "tests/bench/picture.h"
#include "tests/bench/scale/site.h"

namespace pellicle::bench {

namespace {

// Of the project: what it takes itself to be good at.
constexpr double kMostOfFloor = 1.5;
constexpr double kMostOfIp = 0.5;
constexpr double kMostOfFloorDump = 4;
constexpr double kMostOfFloorRotation = 2;
constexpr double kMostGrowth = 1.3;

void print_target(double value, double most) {
  std::printf("  <= %-4g%s\n", most, value <= most ? "" : "  missed");
}

// A table of ratios to something measured in the same run, and a picture of them.
class Ratios {
 public:
  void add(const char* what, double ours, double other, double most) {
    std::printf("%-46s  %9.1f  %9.1f  %6.2f", what, ours, other, ours / other);
    print_target(ours / other, most);
    picture_.at_most(what, ours / other, most);
  }
  void print_picture() const { picture_.print(); }

 private:
  Picture picture_;
};

void print_time(const char* what, double ours) {
  std::printf("%-46s  %9.1f\n", what, ours);
}

void print_kinds(const char* what, const Kinds& kinds) {
  std::printf("%-14s  %8.2f  %8.2f  %8.2f  %8.2f  %9.2f  %8.2f\n", what, kinds.states,
              kinds.policies, kinds.peers, kinds.routes, kinds.netfilter, kinds.rest);
}

void print_parts(const char* what, const PassParts& parts) {
  std::printf("%-14s  %8.2f  %8.2f  %8.2f  %8.2f  %9.2f  %8.2f\n", what, parts.dump, parts.gather,
              parts.compute, parts.plan, parts.apply, parts.all());
}

// Reading everything, deciding that there is nothing to do.
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

void print_ratios(const Measured& measured) {
  const auto& [peers, life, addition, floor, ip, rotation] = measured;
  const double floor_dump = life.floor_dump.of_peers();
  Ratios ratios;
  std::printf("%-46s  %9s  %9s  %6s  target\n", "milliseconds", "ours", "other", "ratio");
  ratios.add("from an empty kernel / floor", life.first.all(), floor.of_peers(), kMostOfFloor);
  ratios.add("  compute, plan, apply of the peers alone", of_peers(addition), floor.of_peers(),
             kMostOfFloor);
  ratios.add("  apply of the peers alone", addition.apply.of_peers(), floor.of_peers(),
             kMostOfFloor);
  if (ip > 0) {
    ratios.add("from an empty kernel / ip -batch", life.first.all(), ip, kMostOfIp);
    ratios.add("  compute, plan, apply of the peers alone", of_peers(addition), ip, kMostOfIp);
  }
  ratios.add("restart, nothing to do / floor's dump", restart(life), floor_dump, kMostOfFloorDump);
  ratios.add("  without the netfilter tools", restart_without_tools(life), floor_dump,
             kMostOfFloorDump);
  ratios.add("rotation without the dumps / floor", rotation.compute + rotation.apply,
             rotation.floor, kMostOfFloorRotation);
  ratios.add("  apply alone", rotation.apply, rotation.floor, kMostOfFloorRotation);
  const auto& more = life.one_more;
  print_time("one more peer, the whole pass", more.all());
  print_time("  without the netfilter tools", one_more_without_tools(life));
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
  print_ratios(measured);
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
  Ratios ratios;
  const auto row = [&](const char* what, const auto& of) {
    const double of_many = 1000 * of(many) / many.peers;
    const double of_few = 1000 * of(few) / few.peers;
    ratios.add(what, of_many, of_few, kMostGrowth);
  };
  row("from an empty kernel", [](const Measured& each) { return each.life.first.all(); });
  row("compute, plan, apply of the peers",
      [](const Measured& each) { return of_peers(each.addition); });
  row("  floor", [](const Measured& each) { return each.floor.of_peers(); });
  row("restart without netfilter tools",
      [](const Measured& each) { return restart_without_tools(each.life); });
  row("  floor's dump", [](const Measured& each) { return each.life.floor_dump.of_peers(); });
  ratios.print_picture();
}

void print_sizes() {
  const TemporaryDirectory folder;
  std::printf("== stripped\n\n");
  for (const std::string name : {"pellicle-agent", "pellicle", "pellicle-cni"}) {
    const auto file = folder.path() + "/" + name;
    run({"strip", "-o", file, PELLICLE_PROGRAMS "/" + name});
    std::printf("%-15s  %8.2f MB\n", name.c_str(),
                static_cast<double>(std::filesystem::file_size(file)) / 1e6);
  }
}

}  // namespace pellicle::bench
