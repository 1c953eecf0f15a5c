// What the agent reports about its ESP states, and removal of states on request.
#include "agent/agent.h"
#include "agent/kernel/conntrack_room.h"
#include "agent/kernel/xfrm_errors.h"
#include "agent/log.h"
#include "agent/status/encryption.h"
#include "agent/status/sequence_use.h"

namespace pellicle {

// IPv4 until the Nodes are known: nearly every cluster has it.
void Agent::look_at_kernel() {
  std::set<Family> families;
  for (const auto& [key, config] : passes_.last().desired.state.datapath_config) {
    for (const auto& network : config.networks()) families.insert(network.router.family());
  }
  if (families.empty()) families.insert(Family::v4);
  support_.look(passes_.last().inputs.key, families);
}

// A refused state already reports what the kernel lacks, with its consequence.
std::vector<Problem> Agent::kernel_problems() const {
  std::vector<Problem> problems;
  if (const auto full = conntrack_problem()) problems.push_back(*full);
  const auto contested = passes_.last().repairs.problem(std::chrono::steady_clock::now());
  if (contested) problems.push_back(*contested);
  const auto refusing = kernel_.firewall_problems();
  problems.insert(problems.end(), refusing.begin(), refusing.end());
  for (const auto& refusal : passes_.last().refusals) {
    if (std::holds_alternative<Change<State>>(refusal.operation)) return problems;
  }
  const auto lacks = support_.problems();
  problems.insert(problems.end(), lacks.begin(), lacks.end());
  return problems;
}

std::vector<ObservedState> Agent::observed_states() {
  auto states = kernel_.observe_states();
  const auto now = Clock::now().time_since_epoch();
  last_use_.look(
      states, static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count()));
  const auto& newest = store_.ring().newest();
  sequence_use_ = newest ? std::optional(sequence_use(states, newest->id)) : std::nullopt;
  return states;
}

// Often enough for people, rare enough to cost nothing.
void Agent::look_at_use() {
  constexpr auto kInterval = std::chrono::seconds(10);
  const auto now = std::chrono::steady_clock::now();
  if (now - looked_at_use_ < kInterval) return;
  looked_at_use_ = now;
  try {
    observed_states();
  } catch (const KernelError& error) {  // a pass meets the same error and reports it
    log::debug("states cannot be looked at", {{"error", error.what()}});
  }
}

nlohmann::json Agent::encryption() {
  const auto& last = passes_.last();
  EncryptionFacts facts{.states = observed_states(),
                        .interfaces = decryption_interfaces(kernel_.dump()),
                        .errors = xfrm_errors(),
                        .peers = last.desired.cluster.peers,
                        .now = Clock::now()};
  if (last.passes > 0) {
    std::optional<Table<State>> desired;
    const bool everything = !last.desired.cluster.incomplete && scope() == Scope::everything;
    if (last.complete && everything) desired = last.desired.state.states;
    facts.stale = stale_states(facts.states, desired, last.inputs.nodes);
  }
  return encryption_json(facts);
}

// The next pass makes the desired ones again.
nlohmann::json Agent::flush_states(const nlohmann::json& params) {
  const Plan removal = removal_of(named_states(params), kernel_.dump());
  const auto result = flush_json(removal, kernel_.apply(removal));
  for (const auto& line : result["removed"]) {
    log::info("flushed on demand", {{"operation", line}});
  }
  passes_.request();
  return result;
}

// Other nodes drop clear text from a node that announces host encryption. So this node withdraws
// the announcement first, and encrypts until all nodes have seen that.
void Agent::keep_word(Inputs& inputs) {
  constexpr std::chrono::seconds kHeard{2};
  if (inputs.settings.host_encryption) return taken_back_.reset();
  const auto self = inputs.nodes.find(inputs.settings.node_name);
  const auto now = ForgeryWatch::Clock::now();
  const bool said = self != inputs.nodes.end() && self->second.encrypts_nodes;
  if (said) taken_back_ = now;
  if (taken_back_ && now >= *taken_back_ + kHeard) taken_back_.reset();
  if (!taken_back_) return;
  inputs.settings.host_encryption = true;
  if (!said) passes_.request(kHeard);
}

void Agent::look_at_forgeries(std::vector<Problem>& problems) {
  try {
    forgeries_.look(kernel_.datapath().forgeries(), ForgeryWatch::Clock::now());
  } catch (const std::exception& error) {  // a pass meets the same error and reports it
    log::debug("forgeries cannot be looked at", {{"error", error.what()}});
  }
  const auto now = forgeries_.problems(passes_.last().desired.cluster, ForgeryWatch::Clock::now());
  problems.insert(problems.end(), now.begin(), now.end());
}

}  // namespace pellicle
