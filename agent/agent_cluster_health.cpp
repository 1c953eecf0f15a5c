// Cluster health: the agent answers other nodes' probes, and probes them.
#include <algorithm>

#include "agent/agent.h"
#include "agent/log.h"

namespace pellicle {

// A node that can serve pods has a health endpoint. A failure here never affects the datapath.
void Agent::serve_cluster_health(const PodNetwork& network) {
  if (config_.cluster_health_interval.count() == 0) return;
  const auto& last = passes_.last().inputs;
  std::vector<IpAddress> own;
  if (const auto self = last.nodes.find(config_.settings.node_name); self != last.nodes.end()) {
    for (const auto family : kFamilies) {
      if (const auto& address = self->second.internal_ip(family)) own.push_back(*address);
    }
  }
  try {
    health_endpoint_.bring_about(network, endpoints_.health());
    health_endpoint_.answer_at(own);
    cluster_health_trouble_.clear();
  } catch (const std::exception& error) {
    cluster_health_trouble_ = error.what();
  }
}

// The health endpoint is not in the record of pods: it lives as long as this process.
void Agent::add_health_endpoint(std::vector<Endpoint>& endpoints) const {
  const auto& health = health_endpoint_.endpoint();
  if (!health) return;
  endpoints.push_back(*health);
  std::sort(endpoints.begin(), endpoints.end());
}

void Agent::ask_peers() {
  if (passes_.last().ready) inquiry_.set_paths(health_paths(passes_.last().desired.cluster));
}

void Agent::note_health(const HealthPath& path, const HealthResult& result) {
  const log::Fields fields{
      {"node", path.node}, {"way", way_name(path.way)}, {"answer", health_sentence(path, result)}};
  if (result.times > 1) {
    log::debug("same answer again", fields);
  } else if (result.answer == HealthAnswer::good) {
    log::info("node reached", fields);
  } else {
    log::warn("node not reached", fields);
  }
  note_problems();
}

void Agent::add_health_problems(std::vector<Problem>& problems) const {
  const auto& last = passes_.last();
  const auto& health = inquiry_.health();
  const bool all_good = health.reachable() == health.nodes.size();
  const auto causes = all_good ? OwnCauses{}
                               : own_causes({.cluster = last.desired.cluster,
                                             .refusals = last.refusals,
                                             .failure = last.failure,
                                             .problems = problems,
                                             .key_taken = store_.key_taken()});
  auto found = health_problems(health, causes);
  problems.insert(problems.end(), found.begin(), found.end());
  if (cluster_health_trouble_.empty()) return;
  problems.push_back(
      {"Cluster health", "", "other nodes cannot ask this one: " + cluster_health_trouble_});
}

// Withdraws the annotation when the endpoint is gone: the value "" counts as none.
void Agent::announce_health(const Annotations& present, Annotations& wanted) const {
  for (const auto& [name, family] :
       {std::pair(kHealthAnnotation, Family::v4), std::pair(kHealth6Annotation, Family::v6)}) {
    const auto full = std::string(kPrefix) + std::string(name);
    const auto& endpoint = health_endpoint_.endpoint();
    const auto address = endpoint ? endpoint->address(family) : std::nullopt;
    if (address) {
      wanted[full] = address->to_string();
    } else if (present.contains(full)) {
      wanted[full] = "";
    }
  }
}

}  // namespace pellicle
