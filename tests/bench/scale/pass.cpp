#include "tests/bench/scale/pass.h"

#include <linux/netlink.h>

#include <stdexcept>

#include "agent/desired/desired.h"
#include "agent/kernel/addresses.h"
#include "agent/kernel/netfilter.h"
#include "agent/kernel/policies.h"
#include "agent/kernel/routes.h"
#include "agent/kernel/rules.h"
#include "agent/kernel/states.h"
#include "agent/kernel/sysctls.h"

namespace pellicle::bench {

namespace {

double& of_kind(Kinds& kinds, const Operation& operation) {
  if (std::holds_alternative<Change<State>>(operation)) return kinds.states;
  if (std::holds_alternative<Change<Policy>>(operation)) return kinds.policies;
  if (std::holds_alternative<Change<PeerEntry>>(operation)) return kinds.peers;
  if (std::holds_alternative<Change<Route>>(operation)) return kinds.routes;
  if (std::holds_alternative<Change<NetfilterChain>>(operation)) return kinds.netfilter;
  return kinds.rest;
}

// LinuxKernel::dump(), with a lap per kind.
class Reader {
 public:
  explicit Reader(const LinuxOptions& options)
      : own_{options.host_device, options.net_device},
        ledger_(options.state_dir),
        datapath_(options.bpf_root) {
    datapath_.program_tags();
  }

  Kinds read() {
    KernelState state;
    Kinds kinds;
    Stopwatch watch;
    const Devices devices(route_);
    dump_links(devices, own_, state);
    dump_addresses(read_addresses(route_), devices, own_, state);
    dump_sysctls(ledger_, devices, state);
    dump_rules(route_, state);
    kinds.rest = watch.lap();
    dump_policies(xfrm_, state);
    kinds.policies = watch.lap();
    dump_states(xfrm_, counters_, received_, state);
    kinds.states = watch.lap();
    datapath_.dump(state);
    kinds.peers = watch.lap();
    netfilter_.dump(state);
    kinds.netfilter = watch.lap();
    dump_routes(route_, devices, own_, ledger_, state);
    kinds.routes = watch.lap();
    return kinds;
  }

 private:
  NetlinkSocket route_{NETLINK_ROUTE};
  NetlinkSocket xfrm_{NETLINK_XFRM};
  OwnDevices own_;
  Ledger ledger_;
  BpfDatapath datapath_;
  Netfilter netfilter_;
  SendCounters counters_;
  Received received_;
};

}  // namespace

Thought think(LinuxKernel& kernel, const Inputs& cluster) {
  Stopwatch watch;
  Thought thought;
  auto& parts = thought.parts;
  thought.actual = kernel.dump();
  parts.dump = watch.lap();
  Inputs inputs = cluster;
  inputs.host = kernel.facts();
  const auto lend = [&] {  // as Passes does: avoids copying tens of thousands of objects
    auto& lent = inputs.programmed;
    std::swap(lent.states, thought.actual.states);
    std::swap(lent.policies, thought.actual.policies);
    std::swap(lent.peers, thought.actual.peers);
  };
  lend();
  parts.gather = watch.lap();
  const auto desired = compute(inputs);
  lend();
  parts.compute = watch.lap();
  thought.plan = plan(desired.state, thought.actual);
  parts.plan = watch.lap();
  if (!desired.problems.empty()) throw std::runtime_error(desired.problems.front().to_string());
  return thought;
}

void carry_out(LinuxKernel& kernel, const Plan& plan) {
  const auto refusals = kernel.apply(plan);
  if (refusals.empty()) return;
  throw std::runtime_error(describe(refusals[0].operation) + ": " + refusals[0].sentence);
}

PassParts make_pass(LinuxKernel& kernel, const Inputs& cluster) {
  auto thought = think(kernel, cluster);
  Stopwatch watch;
  carry_out(kernel, thought.plan);
  thought.parts.apply = watch.lap();
  return thought.parts;
}

Kinds carry_out_by_kind(LinuxKernel& kernel, const Plan& plan) {
  Kinds kinds;
  for (size_t first = 0, end = 0; first < plan.size(); first = end) {
    while (end < plan.size() && plan[end].index() == plan[first].index()) ++end;
    const auto at = [&](size_t i) { return plan.begin() + static_cast<Plan::difference_type>(i); };
    const Plan part(at(first), at(end));
    Stopwatch watch;
    carry_out(kernel, part);
    of_kind(kinds, part.front()) += watch.lap();
  }
  return kinds;
}

Dumps dump_by_kind(const Site& site) {
  Reader reader(site.options());
  const auto first = reader.read();
  return {.first = first, .next = reader.read()};
}

}  // namespace pellicle::bench
