// Probes and metrics of the operator.
#include "agent/http/metrics_text.h"
#include "tools/operator/operator.h"

namespace pellicle {

HealthServer::Paths Operator::paths() {
  return {{"/healthz", [] { return HealthServer::Answer{.text = "ok\n"}; }},
          {"/readyz", [this] { return ready(); }},
          {"/metrics", [this] { return metrics(); }}};
}

HealthServer::Answer Operator::ready() const {
  for (const auto& trouble : {watch_trouble_, elector_.election().trouble()}) {
    if (!trouble.empty()) return {.status = 503, .text = trouble + "\n"};
  }
  const auto& holder = elector_.election().holder();
  if (holder.empty()) return {.status = 503, .text = "no replica is elected yet\n"};
  return {.text = elector_.leads() ? "ok: this replica acts\n" : "ok: " + holder + " acts\n"};
}

HealthServer::Answer Operator::metrics() const {
  MetricsText metrics;
  metrics.gauge("pellicle_operator_leader", "1 on the replica that acts");
  metrics.value(uint64_t{elector_.leads()});
  metrics.gauge("pellicle_operator_nodes", "Nodes known");
  metrics.value(allocator_.nodes());
  metrics.gauge("pellicle_operator_unserved_nodes", "Nodes that have a problem, see their Events");
  metrics.value(findings_.size());
  const auto label = [](Family family) {
    return MetricsText::Labels{{"family", family == Family::v4 ? "ipv4" : "ipv6"}};
  };
  const auto use = allocator_.use();
  metrics.gauge("pellicle_operator_pod_cidrs", "PodCIDRs that the pools hold");
  for (const auto& [family, pool] : use) metrics.value(pool.size, label(family));
  metrics.gauge("pellicle_operator_pod_cidrs_used", "PodCIDRs of the pools that Nodes have");
  for (const auto& [family, pool] : use) metrics.value(pool.used, label(family));
  metrics.counter("pellicle_operator_assignments_total", "Assignments written by this replica");
  metrics.value(assigned_);
  if (taints_) taint_metrics(metrics);
  if (keeper_) key_metrics(metrics);
  return {.text = metrics.text(), .type = MetricsText::kContentType};
}

void Operator::taint_metrics(MetricsText& metrics) const {
  metrics.counter("pellicle_operator_taints_removed_total",
                  "Nodes that this replica let take pods, their agent being ready");
  metrics.value(taints_->removed());
  metrics.counter("pellicle_operator_taints_put_total",
                  "Nodes that this replica kept pods away from, no agent being ready there");
  metrics.value(taints_->put());
}

void Operator::key_metrics(MetricsText& metrics) const {
  metrics.counter("pellicle_operator_key_rotations_total", "Keys replaced by this replica");
  metrics.value(keeper_->rotations());
  metrics.gauge("pellicle_operator_key_trouble",
                "1 while a key is due to be replaced and cannot be, see the log");
  metrics.value(uint64_t{!keeper_->trouble().empty()});
  if (const auto& key = keeper_->since()) {
    metrics.gauge("pellicle_operator_key_since_seconds",
                  "When the cluster got its key, in seconds since 1970");
    const auto since = key->since.time_since_epoch();
    metrics.value(static_cast<uint64_t>(std::chrono::floor<std::chrono::seconds>(since).count()));
  }
}

}  // namespace pellicle
