// What the agent tells kubelet, Prometheus and readers of the Node.
#include "agent/agent.h"
#include "agent/http/metrics_text.h"
#include "agent/kernel/xfrm_errors.h"
#include "agent/log.h"
#include "agent/status/metrics.h"

namespace pellicle {

// A listening address in use costs the probes and the metrics, not the datapath.
void Agent::serve_health(boost::asio::io_context& context) {
  if (config_.health_address.empty()) return;
  try {
    health_ = std::make_unique<HealthThread>(
        context, config_.health_address, [this] { return readiness(); },
        [this] { return metrics(); });
  } catch (const std::exception& error) {
    health_trouble_ = error.what();
  }
}

HealthServer::Answer Agent::readiness() const {
  if (ready()) return {.text = "ok\n"};
  const auto& last = passes_.last();
  std::string text = "not ready: see pellicle status\n";
  for (const auto& [title, source] : sources_) {
    if (!source.healthy)
      text += source.sentence.empty() ? title + ": not listed yet" : source.sentence;
    if (!source.healthy) text += "\n";
  }
  if (!last.failure.empty()) text += last.failure + "\n";
  for (const auto& refusal : last.refusals) {
    text += describe(refusal.operation) + ": " + refusal.sentence + "\n";
  }
  return {.status = 503, .text = text};
}

HealthServer::Answer Agent::metrics() {
  MetricsFacts told{.status = this->facts()};
  told.by_peer = config_.peer_metrics;
  told.encryption.peers = told.status.cluster.peers;
  for (const auto* table :
       {&passes_.last().desired.state.policies, &passes_.last().desired.state.block_policies}) {
    for (const auto& [key, policy] : *table) {
      ++(key.direction == Direction::out ? told.policies_out : told.policies_in);
    }
  }
  try {
    told.encryption.states = observed_states();
    told.encryption.errors = xfrm_errors();
  } catch (const KernelError& error) {  // a pass meets the same error and reports it
    log::debug("states cannot be looked at", {{"error", error.what()}});
  }
  return {.text = metrics_text(told), .type = MetricsText::kContentType};
}

Troubles Agent::troubles() const {
  const auto& last = passes_.last();
  return {.node = config_.settings.node_name,
          .state_dir = config_.state_dir,
          .problems = problems_,
          .key_taken = store_.key_taken(),
          .kernel_lacks = support_.problems(),
          .refusals = last.refusals,
          .failure = last.failure,
          .pools = pods_.use()};
}

}  // namespace pellicle
