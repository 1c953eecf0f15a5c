#include "tools/operator/operator.h"

#include <boost/asio/post.hpp>

#include "agent/http/metrics_text.h"
#include "agent/log.h"
#include "tools/operator/node_view.h"

namespace pellicle {

namespace {

// Changes come in crowds: one plan for all of a crowd.
constexpr std::chrono::milliseconds kSoon{50};

std::vector<NodeView> views(const std::vector<ApiObject>& objects) {
  std::vector<NodeView> all;
  all.reserve(objects.size());
  for (const auto& object : objects) all.push_back(node_view(object));
  return all;
}

std::string in_words(const std::vector<Cidr>& cidrs) {
  std::string words;
  for (const auto& cidr : cidrs) words += (words.empty() ? "" : ",") + cidr.to_string();
  return words;
}

}  // namespace

Operator::Operator(boost::asio::io_context& io, OperatorOptions options)
    : io_(io),
      options_(std::move(options)),
      allocator_(options_.pools, options_.reserved),
      client_(io, api_access(options_.kubeconfig, options_.service_host, options_.service_port)),
      elector_(io, client_, options_.election,
               {.on_begin = [this] { begin(); },
                .on_end = [this] { end(); },
                .on_trouble =
                    [](const std::string& sentence) {
                      log::warn("election in trouble", {{"error", sentence}});
                    }}),
      // Half of the deadline: what is begun right after a renewal ends before the next replica may.
      assigner_(io, client_, options_.election.renew_deadline / 2, random_seed(),
                assigner_callbacks()),
      events_(client_, random_seed(),
              {.component = "pellicle-operator",
               .host = options_.host,
               .on_trouble =
                   [](const std::string& sentence) {
                     log::warn("an event could not be posted", {{"error", sentence}});
                   }}),
      health_(io, options_.health_address, paths()),
      soon_(io) {
  if (!options_.key_policy.on()) return;
  keeper_ = std::make_unique<KeyKeeper>(io, client_, options_.key_policy, options_.key_look_period,
                                        KeyKeeper::Callbacks{.nodes = [this] {
                                          return fresh_ && elector_.leads() ? &key_nodes_ : nullptr;
                                        }});
}

Assigner::Callbacks Operator::assigner_callbacks() {
  const auto about = [](const Assignment& assignment, const std::string& error) {
    return log::Fields{{"node", assignment.node.name},
                       {"podCIDRs", in_words(assignment.pod_cidrs)},
                       {"error", error}};
  };
  return {.may_act = [this](std::chrono::milliseconds needs) { return elector_.may_act(needs); },
          .on_assigned =
              [this](const Assignment& assignment) {
                ++assigned_;
                log::info("PodCIDRs assigned", {{"node", assignment.node.name},
                                                {"podCIDRs", in_words(assignment.pod_cidrs)}});
              },
          .on_refused =
              [this, about](const Assignment& assignment, const std::string& sentence) {
                log::info("assignment refused; what the Node says now decides",
                          about(assignment, sentence));
                allocator_.refused(assignment.node.name);
              },
          .on_trouble =
              [about](const Assignment& assignment, const std::string& sentence) {
                log::warn("assignment in trouble; it is repeated", about(assignment, sentence));
              },
          .on_retry = [this] { plan_soon(); }};
}

void Operator::start() {
  log::info("pellicle-operator starts", {{"version", PELLICLE_VERSION},
                                         {"identity", options_.election.identity},
                                         {"health", options_.health_address}});
  watch();
  elector_.start();
}

// Also while another replica acts, so that what was freed is known in its order. After an election
// everything is listed anew: a LIST without a version is answered from what is stored now, with all
// that the replica before has written.
void Operator::watch() {
  fresh_ = false;
  const bool elected = elector_.leads();
  watcher_ = std::make_unique<Watcher>(
      io_, client_, all_nodes(), random_seed(),
      WatcherCallbacks{
          .on_sync =
              [this, elected](const std::vector<ApiObject>& objects) {
                fresh_ = elected;
                listed(objects);
              },
          .on_change = [this](const ApiObject& object, bool deleted) { changed(object, deleted); },
          .on_trouble =
              [this](const std::string& sentence, WallTime) {
                log::warn("watch in trouble", {{"error", sentence}});
                watch_trouble_ = sentence;
              },
          .on_healthy = [this] { watch_trouble_.clear(); }});
  watcher_->start();
}

void Operator::listed(const std::vector<ApiObject>& objects) {
  allocator_.listed(views(objects));
  plan_soon();
  if (!keeper_) return;
  key_nodes_ = {};
  for (const auto& object : objects) note_key(object, /*deleted=*/false);
  if (elector_.leads()) keeper_->look();
}

void Operator::changed(const ApiObject& object, bool deleted) {
  if (deleted) {
    allocator_.removed(object.name);
  } else {
    allocator_.changed(node_view(object));
  }
  plan_soon();
  if (keeper_) note_key(object, deleted);
}

void Operator::note_key(const ApiObject& object, bool deleted) {
  key_nodes_.used.erase(object.name);
  if (deleted) {
    key_nodes_.nodes.erase(object.name);
    return;
  }
  const auto decoded = decode_node(object);
  key_nodes_.nodes[object.name] = decoded.node;
  const auto used = decoded.annotations.find(std::string(kSequenceUsedAnnotation));
  if (used == decoded.annotations.end()) return;
  if (const auto use = SequenceUse::parse(used->second)) key_nodes_.used[object.name] = *use;
}

void Operator::begin() {
  log::info("elected: this replica acts", {{"lease", options_.election.name}});
  fresh_ = false;
  // The election's answer may have come in the middle of the watcher's own work.
  boost::asio::post(io_, [this] { watch(); });
}

void Operator::end() {
  log::warn("no longer elected: this replica stands by",
            {{"holder", elector_.election().holder()}});
  fresh_ = false;
  if (keeper_) keeper_->rest();
}

void Operator::plan_soon() {
  if (std::exchange(planned_, true)) return;
  soon_.expires_after(kSoon);
  soon_.async_wait([this](boost::system::error_code cancelled) {
    planned_ = false;
    if (!cancelled) plan();
  });
}

void Operator::plan() {
  if (!fresh_ || !elector_.leads() || options_.pools.empty()) return;
  const auto plan = allocator_.plan();
  note(plan.findings);
  assigner_.assign(plan.assignments);
}

void Operator::note(const std::vector<Finding>& findings) {
  std::set<Finding> now(findings.begin(), findings.end());
  for (const auto& finding : now) {
    if (findings_.contains(finding)) continue;
    log::warn("a Node cannot be served",
              {{"node", finding.node}, {"reason", finding.reason}, {"problem", finding.sentence}});
  }
  for (const auto& finding : findings_) {
    if (!now.contains(finding))
      log::info("solved", {{"node", finding.node}, {"reason", finding.reason}});
  }
  findings_ = std::move(now);
  std::vector<NodeEvent> events;
  events.reserve(findings.size());
  for (const auto& finding : findings) {
    events.push_back({.node = finding.node,
                      .uid = finding.uid,
                      .reason = finding.reason,
                      .message = finding.sentence});
  }
  events_.post(events);
}

void Operator::stop(std::function<void()> done) {
  if (keeper_) keeper_->rest();
  assigner_.drain([this, done = std::move(done)] { elector_.resign(done); });
}

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
  if (keeper_) key_metrics(metrics);
  return {.text = metrics.text(), .type = MetricsText::kContentType};
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
