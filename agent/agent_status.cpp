// What the agent reports to the command line about itself.
#include "agent/agent.h"
#include "agent/kernel/xfrm_errors.h"

namespace pellicle {

std::vector<Controller> Agent::controllers() const {
  std::vector<Controller> all;
  for (const auto& [title, source] : sources_) all.push_back({"watch " + title, source.healthy});
  const auto& last = passes_.last();
  all.push_back({"program the kernel", last.failure.empty() && last.refusals.empty()});
  all.push_back({"annotate this Node", publish_trouble_.empty()});
  all.push_back({"install the CNI plugin", cni_.problems().empty()});
  all.push_back({"record pods", pods_trouble_.empty()});
  all.push_back({"answer other nodes", cluster_health_trouble_.empty()});
  all.push_back({"answer probes and metrics", health_trouble_.empty()});
  return all;
}

StatusFacts Agent::facts() {
  const auto& last = passes_.last();
  note_problems();
  StatusFacts facts;
  facts.node_name = config_.settings.node_name;
  facts.started = started_;
  facts.server = access_.scheme_host_port;
  facts.keys = store_.ring();
  facts.sender = last.inputs.sender;
  facts.host_encryption = last.inputs.settings.host_encryption;
  facts.strict_ingress = config_.settings.strict_ingress;
  facts.cluster = last.desired.cluster;
  facts.endpoints = endpoints_.all().size();
  facts.pools = pods_.use();
  facts.health = inquiry_.health();
  facts.controllers = controllers();
  facts.native_cidr = config_.settings.native_cidr;
  facts.native_cidr6 = config_.settings.native_cidr6;
  facts.direct_routes = config_.settings.direct_routes;
  facts.cni = {.file = cni_.file(),
               .installed = cni_.installed(),
               .versions = cni_.versions(),
               .chained = cni_.chained(),
               .missing = cni_.missing(),
               .others = cni_.others()};
  facts.problems = problems_;
  facts.refusals = last.refusals;
  facts.failure = last.failure;
  facts.failing_since = last.failing_since;
  facts.passes = last.passes;
  facts.peer_changes = last.peer_changes;
  facts.times = last.times;
  facts.last_change = last.last_change;
  facts.ready = ready();
  for (const auto& [title, health] : sources_) facts.sources.push_back(health);
  for_each_table([&](const char* name, auto table) {
    if (const auto count = (last.desired.state.*table).size(); count > 0)
      facts.objects[name] = count;
  });
  facts.forgeries = told(forgeries_.counted(), last.desired.cluster);
  try {
    facts.drops = kernel_.datapath().drops();
    facts.drops["blocked"].packets = xfrm_errors()["XfrmOutPolBlock"];  // by block policies
  } catch (const std::exception& error) {
    if (facts.failure.empty()) facts.failure = error.what();
  }
  return facts;
}

nlohmann::json Agent::diff() {
  if (passes_.last().passes == 0) {
    throw RequestError(kErrorTryLater, "nothing was listed at the API server yet; see status");
  }
  auto operations = nlohmann::json::array();
  for (const auto& operation : passes_.preview()) operations.push_back(describe(operation));
  return {{"operations", operations}};
}

}  // namespace pellicle
