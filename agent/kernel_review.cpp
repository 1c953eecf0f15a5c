#include "agent/kernel_review.h"

#include <algorithm>

#include "agent/clock.h"
#include "agent/kernel/conntrack_room.h"
#include "agent/kernel/esp_support.h"
#include "agent/kernel/os_error.h"
#include "agent/log.h"
#include "agent/problem_log.h"

namespace pellicle {

namespace {

// IPv4 until the Nodes are known: nearly every cluster has it.
std::set<Family> families_of(const KernelState& desired) {
  std::set<Family> families;
  for (const auto& [key, config] : desired.datapath_config) {
    for (const auto& network : config.networks()) families.insert(network.router.family());
  }
  if (families.empty()) families.insert(Family::v4);
  return families;
}

bool refuses_a_state(const std::vector<Refusal>& refusals) {
  return std::any_of(refusals.begin(), refusals.end(), [](const Refusal& refusal) {
    return std::holds_alternative<Change<State>>(refusal.operation);
  });
}

}  // namespace

KernelReview::KernelReview(LinuxKernel& kernel) : kernel_(kernel), support_(esp_obstacle) {}

void KernelReview::look(const LastPass& last) {
  support_.look(last.inputs.key, families_of(last.desired.state));
  look_at_hooks(last.desired.state);
}

// The kernel announces a filter that comes or goes, and that starts a pass. It does not announce
// tcx programs: KernelWatch finds those.
void KernelReview::look_at_hooks(const KernelState& desired) {
  try {
    hooks_ = hook_problems(kernel_.datapath().hooks(desired));
  } catch (const OsError& error) {
    log::debug("hooks cannot be looked at", {{"error", error.what()}});
  }
}

void KernelReview::look_at_forgeries() {
  try {
    forgeries_.look(kernel_.datapath().forgeries(), SteadyClock::now());
  } catch (const std::exception& error) {  // a pass meets the same error and reports it
    log::debug("forgeries cannot be looked at", {{"error", error.what()}});
  }
}

std::vector<ToldForgery> KernelReview::forgeries(const Cluster& cluster) const {
  return told(forgeries_.counted(), cluster);
}

std::vector<Problem> KernelReview::problems(const LastPass& last, const PassReport& report) {
  std::vector<Problem> problems = hooks_;
  look_at_forgeries();
  append(problems, forgeries_.problems(last.desired.cluster, SteadyClock::now()));
  if (const auto full = conntrack_problem()) problems.push_back(*full);
  if (const auto contested = report.repairs.problem(SteadyClock::now())) {
    problems.push_back(*contested);
  }
  append(problems, kernel_.firewall_problems());
  // A refused state already reports what the kernel lacks, with its consequence.
  if (!refuses_a_state(last.refusals)) append(problems, support_.problems());
  return problems;
}

}  // namespace pellicle
