// Times CNI ADD and DEL as a container runtime sees them: pellicle-cni beside Debian's ptp with
// host-local. The same code calls both in turns, in the same network namespace.
//
//   bench-cni [pairs [pods]]   number of ADD and DEL pairs; pods already on the node
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/bench/figure.h"
#include "tests/bench/picture.h"
#include "tests/harness/lab/cni_runtime.h"
#include "tests/harness/lab/lab.h"

using namespace pellicle;
using namespace pellicle::lab;

namespace {

using Json = nlohmann::json;
using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr const char* kNode = "worker";

struct Contestant {
  std::string name;
  CniRuntime runtime;
  std::vector<double> add{};  // milliseconds each
  std::vector<double> del{};
};

// Only our plugin: a chained plugin costs the same behind any other.
Json pellicle_alone(const NodeAgent& agent) {
  Json list = conflist_in(agent.cni_conf_dir());
  const Json first = list.at("plugins").at(0);
  list["plugins"] = Json::array({first});
  return list;
}

Json ptp_and_host_local() {
  return {{"cniVersion", "1.0.0"},
          {"name", "ptp"},
          {"plugins",
           {{{"type", "ptp"},
             {"mtu", 1446},
             {"ipam",
              {{"type", "host-local"},
               {"subnet", "10.9.0.0/24"},
               {"routes", {{{"dst", "0.0.0.0/0"}}}},
               {"dataDir", "/run/lab/host-local"}}}}}}};
}

CniPod sandbox(const std::string& name) {
  return {.id = name + "-0123456789abcdef",
          .netns = make_netns(name),
          .args = "IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=" + name};
}

template <class Call>
double measured(const Call& call) {
  const auto begin = std::chrono::steady_clock::now();
  const CniAnswer answer = call();
  const Milliseconds taken = std::chrono::steady_clock::now() - begin;
  if (!answer.ok()) throw LabError(answer.text());
  return taken.count();
}

// One ADD of each, then one DEL of each. The order alternates, because the kernel's cleanup after
// the first slows the second.
void measure_pair(std::vector<Contestant*> order, size_t number) {
  if (number % 2 == 1) std::reverse(order.begin(), order.end());
  std::vector<CniPod> pods;
  const auto name = [&](size_t i) {
    return "pod-" + std::to_string(number) + "-" + std::to_string(i);
  };
  for (size_t i = 0; i < order.size(); ++i) pods.push_back(sandbox(name(i)));
  for (size_t i = 0; i < order.size(); ++i) {
    order[i]->add.push_back(measured([&] { return order[i]->runtime.add(pods[i]); }));
  }
  for (size_t i = 0; i < order.size(); ++i) {
    order[i]->del.push_back(measured([&] { return order[i]->runtime.remove(pods[i]); }));
    remove_netns(name(i));
  }
}

// The smallest value that at least `share` of all values do not exceed.
double quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  const auto rank = static_cast<size_t>(share * static_cast<double>(values.size()));
  return values.at(std::min(rank, values.size() - 1));
}

void print_row(const char* verb, const std::string& name, const std::vector<double>& values) {
  std::printf("%-4s  %-15s  %9.1f  %9.1f\n", verb, name.c_str(), quantile(values, 0.5),
              quantile(values, 0.99));
}

double ratio(const std::vector<double>& ours, const std::vector<double>& theirs) {
  return quantile(ours, 0.5) / quantile(theirs, 0.5);
}

void print_ratio(const std::vector<double>& ours, const std::vector<double>& theirs) {
  std::printf("      %-15s  %9.2f  %9.2f\n\n", "ratio", ratio(ours, theirs),
              quantile(ours, 0.99) / quantile(theirs, 0.99));
}

struct Verb {
  const char* name;
  const char* measure;
  std::vector<double> Contestant::*times;
  double most;  // limit of the ratio
};
constexpr Verb kVerbs[] = {{"ADD", "cni_add", &Contestant::add, 0.25},
                           {"DEL", "cni_del", &Contestant::del, 0.3}};

void print_table(const Contestant& ours, const Contestant& theirs, size_t pods) {
  std::printf("%zu of each in turns, on a node with %zu pods; milliseconds\n\n", ours.add.size(),
              pods);
  std::printf("verb  %-15s  %9s  %9s\n", "plugin", "median", "p99");
  bench::Picture picture;
  for (const auto& verb : kVerbs) {
    const auto& times = ours.*verb.times;
    const auto& other = theirs.*verb.times;
    print_row(verb.name, ours.name, times);
    print_row("", theirs.name, other);
    print_ratio(times, other);
    picture.at_most(std::string(verb.name) + " / " + theirs.name, ratio(times, other), verb.most);
    const std::string at = pods == 0 ? "" : std::to_string(pods) + " pods";
    bench::keep({.measure = verb.measure,
                 .at = at,
                 .ours = quantile(times, 0.5),
                 .other = quantile(other, 0.5),
                 .unit = "ms",
                 .target = verb.most});
    bench::keep({.measure = std::string(verb.measure) + "_p99",
                 .at = at,
                 .ours = quantile(times, 0.99),
                 .other = quantile(other, 0.99),
                 .unit = "ms"});
  }
  picture.print();
}

void run(size_t pairs, size_t pods) {
  Lab lab({.nodes = {seed_nodes().front()}});
  NodeAgent& agent = lab.agent(kNode);
  install_plugins(agent.cni_bin_dir(), {"ptp", "host-local"});
  lab.start_agent(kNode);
  Contestant ours{"pellicle", {kNode, agent.cni_bin_dir(), pellicle_alone(agent)}};
  Contestant theirs{"ptp+host-local", {kNode, agent.cni_bin_dir(), ptp_and_host_local()}};
  for (size_t i = 0; i < pods; ++i) {
    const CniAnswer answer = ours.runtime.add(sandbox("there-" + std::to_string(i)));
    if (!answer.ok()) throw LabError(answer.text());
  }
  for (size_t i = 0; i < pairs; ++i) measure_pair({&ours, &theirs}, i);
  print_table(ours, theirs, pods);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(argc > 1 ? std::stoul(argv[1]) : 200, argc > 2 ? std::stoul(argv[2]) : 0);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench-cni: %s\n", error.what());
    return 1;
  }
}
