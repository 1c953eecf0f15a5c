#include "agent/reports.h"

#include "agent/http/metrics_text.h"
#include "agent/kernel/xfrm_errors.h"
#include "agent/log.h"
#include "agent/socket/server.h"
#include "agent/status/encryption.h"
#include "agent/status/metrics.h"

namespace pellicle {

namespace {

CniFacts cni_facts(const CniInstallation& cni) {
  return {.file = cni.file(),
          .installed = cni.installed(),
          .versions = cni.versions(),
          .chained = cni.chained(),
          .missing = cni.missing(),
          .others = cni.others()};
}

}  // namespace

bool Reports::note_problems() {
  const auto& report = parts_.passes.report();
  std::vector<Problem> now = parts_.core.problems();
  append(now, parts_.rotation.problems(SteadyClock::now()));
  append(now, parts_.pods.problems());
  append(now, parts_.review.problems(parts_.core.last(), report));
  if (const auto& problem = parts_.kernel.ledger_problem()) {
    now.push_back({"File " + parts_.config.state_dir + "/ledger.json", "", *problem});
  }
  append(now, parts_.probes.problems(now, report.failure, parts_.store.key_taken()));
  append(now, parts_.announcer.problems());
  if (!http_trouble_.empty()) {
    now.push_back(
        {"Setting health-address", "",
         http_trouble_ + "; there are no probes and no metrics until the agent restarts"});
  }
  return parts_.problems.note(std::move(now));
}

Troubles Reports::troubles() const {
  return {.node = parts_.config.settings.node_name,
          .state_dir = parts_.config.state_dir,
          .problems = parts_.problems.known(),
          .key_taken = parts_.store.key_taken(),
          .kernel_lacks = parts_.review.lacks(),
          .refusals = parts_.core.last().refusals,
          .failure = parts_.passes.report().failure,
          .pools = parts_.pods.pods().use()};
}

std::vector<Controller> Reports::controllers() const {
  std::vector<Controller> all;
  for (const auto& [title, source] : parts_.cluster_watch.sources()) {
    all.push_back({"watch " + title, source.healthy});
  }
  const bool programmed =
      parts_.passes.report().failure.empty() && parts_.core.last().refusals.empty();
  all.push_back({"program the kernel", programmed});
  all.push_back({"annotate this Node", parts_.announcer.healthy()});
  all.push_back({"install the CNI plugin", parts_.pods.cni().problems().empty()});
  all.push_back({"record pods", parts_.pods.recorded()});
  all.push_back({"answer other nodes", parts_.probes.answering()});
  all.push_back({"answer probes and metrics", http_trouble_.empty()});
  return all;
}

void Reports::add_settings(StatusFacts& facts) const {
  const auto& settings = parts_.config.settings;
  facts.node_name = settings.node_name;
  facts.strict_ingress = settings.strict_ingress;
  facts.native_cidr = settings.native_cidr;
  facts.native_cidr6 = settings.native_cidr6;
  facts.direct_routes = settings.direct_routes;
}

void Reports::add_pods(StatusFacts& facts) const {
  facts.endpoints = parts_.endpoints.all().size();
  facts.pools = parts_.pods.pods().use();
  facts.cni = cni_facts(parts_.pods.cni());
}

void Reports::add_passes(StatusFacts& facts) const {
  const auto& last = parts_.core.last();
  const auto& report = parts_.passes.report();
  facts.sender = last.inputs.sender;
  facts.host_encryption = last.inputs.settings.host_encryption;
  facts.cluster = last.desired.cluster;
  facts.refusals = last.refusals;
  facts.failure = report.failure;
  facts.failing_since = report.failing_since;
  facts.passes = report.passes;
  facts.peer_changes = report.peer_changes;
  facts.times = report.times;
  facts.last_change = report.last_change;
  facts.ready = parts_.core.ready();
  for_each_table([&](const char* name, auto table) {
    if (const auto count = (last.desired.state.*table).size(); count > 0)
      facts.objects[name] = count;
  });
}

void Reports::add_drops(StatusFacts& facts) {
  facts.forgeries = parts_.review.forgeries(facts.cluster);
  try {
    facts.drops = parts_.kernel.datapath().drops();
    facts.drops["blocked"].packets = xfrm_errors()["XfrmOutPolBlock"];  // by block policies
  } catch (const std::exception& error) {
    if (facts.failure.empty()) facts.failure = error.what();
  }
}

StatusFacts Reports::facts() {
  StatusFacts facts;
  facts.started = started_;
  facts.server = parts_.server;
  facts.keys = parts_.store.ring();
  facts.health = parts_.probes.health();
  facts.controllers = controllers();
  facts.problems = parts_.problems.known();
  for (const auto& [title, health] : parts_.cluster_watch.sources()) {
    facts.sources.push_back(health);
  }
  add_settings(facts);
  add_pods(facts);
  add_passes(facts);
  add_drops(facts);
  return facts;
}

nlohmann::json Reports::status() {
  return nlohmann::json(status_json(facts()));
}

nlohmann::json Reports::diff() {
  if (parts_.passes.report().passes == 0) {
    throw RequestError(kErrorTryLater, "nothing was listed at the API server yet; see status");
  }
  auto operations = nlohmann::json::array();
  for (const auto& operation : parts_.core.preview()) operations.push_back(describe(operation));
  return {{"operations", operations}};
}

nlohmann::json Reports::encryption() {
  const auto& last = parts_.core.last();
  EncryptionFacts facts{.states = parts_.use.observe(),
                        .interfaces = decryption_interfaces(parts_.kernel.dump()),
                        .errors = xfrm_errors(),
                        .peers = last.desired.cluster.peers,
                        .now = WallClock::now()};
  if (parts_.passes.report().passes > 0) {
    std::optional<Table<State>> desired;
    const bool everything =
        !last.desired.cluster.incomplete && parts_.core.scope() == Scope::everything;
    if (last.complete && everything) desired = last.desired.state.states;
    facts.stale = stale_states(facts.states, desired, last.inputs.nodes);
  }
  return encryption_json(facts);
}

// The next pass makes the desired ones again.
nlohmann::json Reports::flush_states(const nlohmann::json& params) {
  const Plan removal = removal_of(named_states(params), parts_.kernel.dump());
  const auto result = flush_json(removal, parts_.core.apply(removal));
  for (const auto& line : result["removed"]) {
    log::info("flushed on demand", {{"operation", line}});
  }
  parts_.passes.request();
  return result;
}

HealthServer::Answer Reports::readiness() const {
  if (parts_.core.ready()) return {.text = "ok\n"};
  std::string text = "not ready: see pellicle status\n";
  for (const auto& [title, source] : parts_.cluster_watch.sources()) {
    if (source.healthy) continue;
    text += (source.sentence.empty() ? title + ": not listed yet" : source.sentence) + "\n";
  }
  const auto& failure = parts_.passes.report().failure;
  if (!failure.empty()) text += failure + "\n";
  for (const auto& refusal : parts_.core.last().refusals) {
    text += describe(refusal.operation) + ": " + refusal.sentence + "\n";
  }
  return {.status = 503, .text = text};
}

HealthServer::Answer Reports::metrics() {
  MetricsFacts told{.status = facts()};
  told.by_peer = tells_peers(parts_.config.peer_metrics, told.status.cluster.peers.size());
  told.encryption.peers = told.status.cluster.peers;
  const auto& desired = parts_.core.last().desired.state;
  for (const auto* table : {&desired.policies, &desired.block_policies}) {
    for (const auto& [key, policy] : *table) {
      ++(key.direction == Direction::out ? told.policies_out : told.policies_in);
    }
  }
  try {
    told.encryption.states = parts_.use.observe();
    told.encryption.errors = xfrm_errors();
  } catch (const KernelError& error) {  // a pass meets the same error and reports it
    log::debug("states cannot be looked at", {{"error", error.what()}});
  }
  return {.text = metrics_text(told), .type = MetricsText::kContentType};
}

}  // namespace pellicle
