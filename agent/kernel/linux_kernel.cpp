#include "agent/kernel/linux_kernel.h"

#include <linux/netlink.h>

#include <algorithm>
#include <functional>

#include "agent/kernel/addresses.h"
#include "agent/kernel/host.h"
#include "agent/kernel/netfilter.h"
#include "agent/kernel/next_hops.h"
#include "agent/kernel/os_error.h"
#include "agent/kernel/policies.h"
#include "agent/kernel/refusal_sentence.h"
#include "agent/kernel/routes.h"
#include "agent/kernel/rules.h"
#include "agent/kernel/state_counters.h"
#include "agent/kernel/states.h"
#include "agent/kernel/sysctls.h"

namespace pellicle {

namespace {

// A socket that is opened on first use, and again after a failure: unread messages of the failed
// exchange must not be taken for answers to a new one.
class LazySocket {
 public:
  explicit LazySocket(int protocol) : protocol_(protocol) {}
  NetlinkSocket& get() {
    if (!socket_) socket_.emplace(protocol_);
    return *socket_;
  }
  void reset() { socket_.reset(); }
  const NetlinkSocket* opened() const { return socket_ ? &*socket_ : nullptr; }

 private:
  int protocol_;
  std::optional<NetlinkSocket> socket_;
};

}  // namespace

struct LinuxKernel::Parts {
  explicit Parts(const LinuxOptions& options)
      : own{options.host_device, options.net_device},
        ledger(options.state_dir),
        datapath(options.bpf_root) {}

  // Applies consecutive changes of one kind; returns one outcome for each.
  std::vector<Outcome> apply(std::span<const Change<Policy>> run) {
    return apply_policies(xfrm.get(), run);
  }
  std::vector<Outcome> apply(std::span<const Change<State>> run) {
    return apply_states(xfrm.get(), counters, run);
  }
  std::vector<Outcome> apply(std::span<const Change<VethPair>> run) {
    return apply_links(route.get(), run);
  }
  std::vector<Outcome> apply(std::span<const Change<Address>> run) {
    return apply_addresses(route.get(), Devices(route.get()), run);
  }
  std::vector<Outcome> apply(std::span<const Change<Route>> run) {
    return apply_routes(route.get(), Devices(route.get()), ledger, run);
  }
  std::vector<Outcome> apply(std::span<const Change<Rule>> run) {
    return apply_rules(route.get(), run);
  }
  std::vector<Outcome> apply(std::span<const Change<LocalRule>> run) {
    return apply_local_rules(route.get(), run);
  }
  std::vector<Outcome> apply(std::span<const Change<Sysctl>> run) {
    return apply_sysctls(ledger, Devices(route.get()), run);
  }
  std::vector<Outcome> apply(std::span<const Change<NetfilterChain>> run) {
    return netfilter.apply(run);
  }
  template <class Kind>  // all kinds of BpfDatapath
  std::vector<Outcome> apply(std::span<const Change<Kind>> run) {
    datapath_changed = true;
    return each(datapath, run);
  }

  template <class Table, class Kind>
  static std::vector<Outcome> each(Table& table, std::span<const Change<Kind>> run) {
    std::vector<Outcome> outcomes;
    for (const auto& change : run) {
      try {
        table.apply(change);
        outcomes.push_back({});
      } catch (const OsError& error) {
        outcomes.push_back({error.error(), error.what()});
      }
    }
    return outcomes;
  }

  // Applies the operations of one kind that start at `first`, at most kMostAtOnce; returns the
  // index after them.
  size_t apply_run(const Plan& plan, size_t first, std::vector<Refusal>& refusals) {
    return std::visit(
        [&]<class Kind>(const Change<Kind>&) {
          std::vector<Change<Kind>> run;
          size_t end = first;
          const size_t most = std::min(plan.size(), first + kMostAtOnce);
          run.reserve(most - first);
          for (; end < most && std::holds_alternative<Change<Kind>>(plan[end]); ++end) {
            run.push_back(std::get<Change<Kind>>(plan[end]));
          }
          const auto outcomes = apply(std::span<const Change<Kind>>(run));
          for (size_t i = 0; i < outcomes.size(); ++i) {
            const auto& [error, words] = outcomes[i];
            const auto& operation = plan[first + i];
            if (error) {
              refusals.push_back({operation, error, refusal_sentence(operation, error, words)});
            }
          }
          return end;
        },
        plan[first]);
  }

  // All messages of a run are built before the first is sent. With longer runs, memory would be
  // most of the cost.
  static constexpr size_t kMostAtOnce = 256;

  // Converts OsError, which only this folder uses, to a KernelError that names the operation.
  template <class Job>
  auto run(const std::string& operation, const Job& job) {
    try {
      return job();
    } catch (const OsError& error) {
      route.reset();
      xfrm.reset();
      std::string sentence = operation + ": " + error.what();
      const bool advised = sentence.find("CAP_") != sentence.npos;
      if (error.error() == EPERM && !advised) sentence += " (this needs CAP_NET_ADMIN)";
      if (error.error() == EPROTONOSUPPORT) sentence += " (is the module available?)";
      throw KernelError(sentence);
    }
  }

  OwnDevices own;
  Ledger ledger;
  LazySocket route{NETLINK_ROUTE};
  LazySocket xfrm{NETLINK_XFRM};
  SendCounters counters;
  Received received;
  BpfDatapath datapath;
  Netfilter netfilter;
  bool datapath_changed = false;  // since datapath.finish(); also by an apply() that failed
};

LinuxKernel::LinuxKernel(const LinuxOptions& options) {
  try {
    parts_ = std::make_unique<Parts>(options);
  } catch (const OsError& error) {
    throw KernelError(std::string("open the ledger: ") + error.what());
  }
}

LinuxKernel::~LinuxKernel() = default;

HostFacts LinuxKernel::facts() {
  return parts_->run("read what this host is", [&] {
    auto facts = read_host(parts_->route.get(), parts_->own, parts_->ledger);
    facts.program_tags = parts_->datapath.program_tags();
    return facts;
  });
}

std::map<IpAddress, NextHop> LinuxKernel::next_hops(const std::vector<NextHopQuestion>& questions) {
  if (questions.empty()) return {};
  return parts_->run("read how this host reaches the other nodes", [&] {
    auto& route = parts_->route.get();
    return read_next_hops(route, Devices(route), questions);
  });
}

KernelState LinuxKernel::dump() {
  return parts_->run("read the kernel's state", [&] {
    auto& parts = *parts_;
    auto& route = parts.route.get();
    auto& xfrm = parts.xfrm.get();
    KernelState state;
    const Devices devices(route);
    dump_policies(xfrm, state);
    dump_links(devices, parts.own, state);
    dump_addresses(read_addresses(route), devices, parts.own, state);
    dump_sysctls(parts.ledger, devices, state);
    dump_states(xfrm, parts.counters, parts.received, state);
    parts.datapath.dump(state);
    parts.netfilter.dump(state);
    dump_routes(route, devices, parts.own, parts.ledger, state);
    dump_rules(route, state);
    return state;
  });
}

std::vector<Refusal> LinuxKernel::apply(const Plan& plan) {
  return parts_->run("change the kernel's state", [&] {
    std::vector<Refusal> refusals;
    for (size_t next = 0; next < plan.size();) next = parts_->apply_run(plan, next, refusals);
    parts_->ledger.save();
    if (parts_->datapath_changed) parts_->datapath.finish();
    parts_->datapath_changed = false;
    return refusals;
  });
}

const std::optional<std::string>& LinuxKernel::ledger_problem() const {
  return parts_->ledger.problem();
}

std::vector<Problem> LinuxKernel::firewall_problems() const {
  return parts_->netfilter.problems();
}

std::vector<uint32_t> LinuxKernel::ports() const {
  std::vector<uint32_t> ports;
  for (const auto* socket : {parts_->route.opened(), parts_->xfrm.opened()}) {
    if (socket) ports.push_back(socket->port());
  }
  if (const auto port = parts_->datapath.netlink_port()) ports.push_back(*port);
  return ports;
}

std::map<uint8_t, uint64_t> LinuxKernel::received() const {
  return parts_->received;
}

BpfDatapath& LinuxKernel::datapath() {
  return parts_->datapath;
}

std::vector<ObservedState> LinuxKernel::observe_states() {
  return parts_->run("read what the XFRM states counted",
                     [&] { return pellicle::observe_states(parts_->xfrm.get()); });
}

}  // namespace pellicle
