#include "agent/health/probes.h"

#include "agent/kube/watcher.h"
#include "agent/log.h"

namespace pellicle {

Probes::Probes(boost::asio::io_context& context, std::chrono::seconds interval, Core& core,
               PodDatapath& datapath, std::function<void()> changed)
    : interval_(interval),
      core_(core),
      datapath_(datapath),
      changed_(std::move(changed)),
      endpoint_(context, datapath),
      inquiry_(context, interval, random_seed(),
               [this](const auto& path, const auto& result) { note(path, result); }) {}

// A node that can serve pods has a health endpoint.
void Probes::serve(const std::vector<IpAddress>& reserved) {
  const auto network = datapath_.network();
  if (network && interval_.count() > 0) answer(*network, reserved);
  const auto& last = core_.last();
  if (last.ready) inquiry_.set_paths(health_paths(last.desired.cluster));
}

void Probes::answer(const PodNetwork& network, const std::vector<IpAddress>& reserved) {
  const auto& inputs = core_.last().inputs;
  std::vector<IpAddress> own;
  if (const auto self = inputs.nodes.find(inputs.settings.node_name); self != inputs.nodes.end()) {
    for (const auto family : kFamilies) {
      if (const auto& address = self->second.internal_ip(family)) own.push_back(*address);
    }
  }
  try {
    endpoint_.bring_about(network, reserved);
    endpoint_.answer_at(own);
    trouble_.clear();
  } catch (const std::exception& error) {
    trouble_ = error.what();
  }
  core_.set_health_endpoint(endpoint_.endpoint());
}

void Probes::note(const HealthPath& path, const HealthResult& result) {
  const log::Fields fields{
      {"node", path.node}, {"way", way_name(path.way)}, {"answer", health_sentence(path, result)}};
  if (result.times > 1) {
    log::debug("same answer again", fields);
  } else if (result.answer == HealthAnswer::good) {
    log::info("node reached", fields);
  } else {
    log::warn("node not reached", fields);
  }
  changed_();
}

void Probes::announce(const Annotations& present, Annotations& wanted) const {
  for (const auto& [name, family] :
       {std::pair(kHealthAnnotation, Family::v4), std::pair(kHealth6Annotation, Family::v6)}) {
    const auto full = std::string(kPrefix) + std::string(name);
    const auto& endpoint = endpoint_.endpoint();
    const auto address = endpoint ? endpoint->address(family) : std::nullopt;
    if (address) {
      wanted[full] = address->to_string();
    } else if (present.contains(full)) {
      wanted[full] = "";
    }
  }
}

std::vector<Problem> Probes::problems(const std::vector<Problem>& own, const std::string& failure,
                                      bool key_taken) const {
  const auto& last = core_.last();
  const auto& health = inquiry_.health();
  const bool all_good = health.reachable() == health.nodes.size();
  const auto causes = all_good ? OwnCauses{}
                               : own_causes({.cluster = last.desired.cluster,
                                             .refusals = last.refusals,
                                             .failure = failure,
                                             .problems = own,
                                             .key_taken = key_taken});
  auto problems = health_problems(health, causes);
  if (!trouble_.empty()) {
    problems.push_back({"Cluster health", "", "other nodes cannot ask this one: " + trouble_});
  }
  return problems;
}

}  // namespace pellicle
