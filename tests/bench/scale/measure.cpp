#include "tests/bench/scale/measure.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "agent/keys/derive.h"
#include "tests/bench/scale/floor_file.h"
#include "tests/bench/scale/median.h"
#include "tests/bench/scale/pass.h"
#include "tests/harness/seed_inputs.h"

namespace pellicle::bench {

namespace {

constexpr int kRestarts = 5;
constexpr size_t kOneMore = 20;

// In MiB, from /proc/self/status.
double resident(const std::string& field) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(field)) return std::stod(line.substr(field.size() + 1)) / 1024;
  }
  throw std::runtime_error("no " + field + " in /proc/self/status");
}

// Maps the sections of the floor's file to kinds. A dump has one more: IPv6 routes.
Kinds floor(const Site& site, const char* what, const std::string& file) {
  std::istringstream text(run({PELLICLE_FLOOR, what, file, site.peers_pin()}));
  const auto next = [&] {
    double nanoseconds = 0;
    text >> nanoseconds;
    return nanoseconds / 1e6;
  };
  Kinds kinds;
  kinds.states = next();
  kinds.policies = next();
  kinds.peers = next();
  kinds.routes = next();
  kinds.routes += next();
  return kinds;
}

void restart(const Site& site, const Inputs& cluster, Life& life) {
  std::vector<PassParts> passes;
  std::vector<Dumps> dumps;
  std::vector<Kinds> floors;
  std::vector<double> loads;
  const auto file = site.file("dumps");
  for (int i = 0; i < kRestarts; ++i) {
    LinuxKernel kernel(site.options());
    wait_until_idle();  // until the previous kernel's programs are freed
    Stopwatch watch;
    kernel.datapath().program_tags();
    loads.push_back(watch.lap());
    const auto thought = think(kernel, cluster);
    if (!thought.plan.empty()) throw std::runtime_error("a restart found something to do");
    passes.push_back(thought.parts);
    write_floor_dumps(file, thought.actual);
    floors.push_back(floor(site, "dump", file));
    dumps.push_back(dump_by_kind(site));
  }
  life.load = median(loads);
  life.restart = median(passes);
  const auto dump = median(dumps);
  life.first_dump = dump.first;
  life.dump = dump.next;
  life.floor_dump = median(floors);
}

PassParts one_more(const Site& site, size_t peers, KeyForm form) {
  LinuxKernel kernel(site.options());
  const auto before = cluster_of(peers, form);
  const auto after = cluster_of(peers + 1, form);
  make_pass(kernel, before);
  std::vector<PassParts> passes;
  for (size_t i = 0; i < kOneMore; ++i) {
    passes.push_back(make_pass(kernel, after));
    make_pass(kernel, before);
  }
  return median(passes);
}

// The pass without peers, and the plan that adds them.
struct Start {
  PassParts without;
  Thought thought;
};
Start before_peers(LinuxKernel& kernel, size_t peers, KeyForm form) {
  const auto without = make_pass(kernel, cluster_of(0, form));
  derive_key(seed::gcm(), {});  // libcrypto reads its configuration on first use
  return {.without = without, .thought = think(kernel, cluster_of(peers, form))};
}

// Checks that another program executed the plan: our plan has nothing left, except address owners,
// which only the eBPF programs need, and routes in main, which are not ours until a pass adopts
// them.
void require_done(LinuxKernel& kernel, size_t peers, KeyForm form, bool with_map) {
  auto left = think(kernel, cluster_of(peers, form)).plan;
  carry_out(kernel, left);
  std::erase_if(left, [&](const Operation& each) {
    const auto* route = std::get_if<Change<Route>>(&each);
    const bool in_main = route && route->action == Action::add && route->value.gateway;
    return in_main || std::holds_alternative<Change<AddressOwner>>(each) ||
           (!with_map && std::holds_alternative<Change<PeerEntry>>(each));
  });
  if (!left.empty()) throw std::runtime_error("left undone: " + describe(left.front()));
}

}  // namespace

Life measure_life(size_t peers, KeyForm form) {
  return apart([&] {
    const Site site;
    const auto cluster = cluster_of(peers, form);
    Life life;
    {
      LinuxKernel kernel(site.options());
      life.memory.before = resident("VmRSS");
      life.first = make_pass(kernel, cluster);
      if (!think(kernel, cluster).plan.empty()) throw std::runtime_error("one pass was not enough");
      life.memory.now = resident("VmRSS");
      life.memory.most = resident("VmHWM");
    }
    restart(site, cluster, life);
    life.one_more = one_more(site, peers, form);
    return life;
  });
}

Addition measure_addition(size_t peers, KeyForm form) {
  return apart([&] {
    const Site site;
    LinuxKernel kernel(site.options());
    const auto [without, thought] = before_peers(kernel, peers, form);
    Addition addition{.without = without,
                      .pass = thought.parts,
                      .apply = carry_out_by_kind(kernel, thought.plan)};
    addition.pass.apply = addition.apply.all();
    return addition;
  });
}

Kinds measure_floor(size_t peers, KeyForm form) {
  return apart([&] {
    const Site site;
    LinuxKernel kernel(site.options());
    const auto plan = before_peers(kernel, peers, form).thought.plan;
    const auto file = site.file("requests");
    write_floor_file(file, plan);
    const auto kinds = floor(site, "program", file);
    require_done(kernel, peers, form, true);
    return kinds;
  });
}

namespace {

// The cluster in the three steps of a rotation.
std::vector<Inputs> rotation(size_t peers, KeyForm form) {
  auto next = cluster_of(peers, form);
  auto before = *next.key;
  next.older_keys = {before};
  next.key->id = static_cast<uint8_t>(before.id + 1);
  next.key->algorithm = seed::gcm(100);
  std::vector<Inputs> steps = {next};
  for (auto& [name, node] : next.nodes) node.key_id = next.key->id;
  steps.push_back(next);
  next.older_keys.clear();
  steps.push_back(next);
  return steps;
}

std::vector<Plan> rotate(LinuxKernel& kernel, size_t peers, KeyForm form, Rotation& rotated) {
  std::vector<Plan> plans;
  for (const auto& step : rotation(peers, form)) {
    auto thought = think(kernel, step);
    Stopwatch watch;
    carry_out(kernel, thought.plan);
    rotated.apply += watch.lap();
    rotated.dump += thought.parts.dump;
    rotated.compute += thought.parts.gather + thought.parts.compute + thought.parts.plan;
    plans.push_back(std::move(thought.plan));
  }
  return plans;
}

}  // namespace

Rotation measure_rotation(size_t peers, KeyForm form) {
  return apart([&] {
    const Site site;
    LinuxKernel kernel(site.options());
    make_pass(kernel, cluster_of(peers, form));
    Rotation rotated;
    const auto plans = rotate(kernel, peers, form, rotated);
    const auto file = site.file("rotation");
    write_floor_rotation(file, plans);
    carry_out(kernel, think(kernel, cluster_of(peers, form)).plan);  // back to the old key
    rotated.floor = floor(site, "program", file).of_peers();
    auto done = rotation(peers, form).back();
    if (!think(kernel, done).plan.empty()) throw std::runtime_error("the floor left something");
    return rotated;
  });
}

double measure_ip(size_t peers, KeyForm form) {
  return apart([&] {
    const Site site;
    LinuxKernel kernel(site.options());
    const auto plan = before_peers(kernel, peers, form).thought.plan;
    const auto file = site.file("batch");
    write_ip_batch(file, plan);
    Stopwatch watch;
    run({"ip", "-batch", file});
    const double taken = watch.lap();
    require_done(kernel, peers, form, false);
    return taken;
  });
}

}  // namespace pellicle::bench
