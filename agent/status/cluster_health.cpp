#include "agent/status/cluster_health.h"

#include <nlohmann/json.hpp>

#include "agent/clock.h"

namespace pellicle {

namespace {

using Json = nlohmann::ordered_json;

Json path_json(const HealthPath& path, const HealthResult& result) {
  Json json{{"way", way_name(path.way)},
            {"address", path.address.to_string()},
            {"reachable", result.answer == HealthAnswer::good}};
  if (result.answer == HealthAnswer::none) return json;
  json["checked"] = time_text(result.checked);
  json["since"] = time_text(result.since);
  if (result.answer == HealthAnswer::good) {
    json["latencyMicroseconds"] = result.latency.count();
  } else {
    json["message"] = health_sentence(path, result);
  }
  return json;
}

}  // namespace

Json cluster_health_json(const ClusterHealth& health) {
  Json nodes = Json::array();
  size_t asked = 0;
  for (const auto& [name, node] : health.nodes) {
    Json paths = Json::array();
    for (const auto& [path, result] : node.paths) paths.push_back(path_json(path, result));
    nodes.push_back({{"name", name},
                     {"asked", node.asked()},
                     {"reachable", node.reachable()},
                     {"paths", std::move(paths)}});
    if (node.asked()) ++asked;
  }
  Json json{{"intervalSeconds", health.interval.count()},
            {"reachable", health.reachable()},
            {"asked", asked},
            {"total", health.nodes.size()}};
  if (health.checked().time_since_epoch().count() > 0)
    json["checked"] = time_text(health.checked());
  json["nodes"] = std::move(nodes);
  return json;
}

}  // namespace pellicle
