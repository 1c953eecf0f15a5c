#include "agent/status/report.h"

#include <cstring>

#include "agent/clock.h"
#include "agent/desired/next_hops.h"
#include "agent/status/cluster_health.h"
#include "agent/status/keys.h"
#include "agent/status/peer_states.h"

namespace pellicle {

namespace {

using Json = nlohmann::ordered_json;

Json node_json(const Cluster& cluster, const std::string& name) {
  Json json{{"name", name}};
  if (cluster.self) {
    if (const auto cidr = cluster.self->pod_cidr(Family::v4)) json["podCIDR"] = cidr->to_string();
    if (const auto cidr = cluster.self->pod_cidr(Family::v6)) json["podCIDR6"] = cidr->to_string();
    if (cluster.self->internal_ipv4) {
      json["internalIP"] = cluster.self->internal_ipv4->to_string();
    }
    if (cluster.self->internal_ipv6) {
      json["internalIP6"] = cluster.self->internal_ipv6->to_string();
    }
  }
  for (const auto& [family, own] : cluster.own) {
    json[family == Family::v4 ? "ciliumHost" : "ciliumHost6"] = own.router.to_string();
  }
  if (cluster.uplink)
    json["uplink"] = {{"name", cluster.uplink->name}, {"mtu", cluster.uplink->mtu}};
  return json;
}

Json sources_json(const std::vector<SourceHealth>& sources) {
  Json list = Json::array();
  for (const auto& source : sources) {
    Json json{{"name", source.name}, {"synced", source.synced}, {"healthy", source.healthy}};
    if (source.since != WallClock::time_point{}) json["since"] = time_text(source.since);
    if (!source.sentence.empty()) json["message"] = source.sentence;
    list.push_back(json);
  }
  return list;
}

Json ipam_json(const std::vector<PoolUse>& pools) {
  Json list = Json::array();
  for (const auto& pool : pools) {
    list.push_back({{"family", family_name(pool.pod_cidr.family())},
                    {"podCIDR", pool.pod_cidr.to_string()},
                    {"allocated", pool.allocated},
                    {"usable", pool.usable}});
  }
  return list;
}

Json cni_json(const CniFacts& cni) {
  return {{"installed", cni.installed}, {"file", cni.file},       {"versions", cni.versions},
          {"chained", cni.chained},     {"missing", cni.missing}, {"others", cni.others}};
}

// The route to the peer's pods, and what it requires of the network.
Json route_json(const Peer& peer) {
  const auto& hop = peer.next_hop;
  if (!hop) return {{"kind", "others"}};
  if (hop->device.empty()) return {{"kind", "none"}, {"message", hop->obstacle}};
  Json json{{"kind", hop->gateway ? "routed" : "direct"},
            {"via", hop->gateway.value_or(peer.internal_ip).to_string()},
            {"device", hop->device}};
  if (hop->onlink) json["onlink"] = true;
  if (const auto expected = expected_of_network(peer)) json["expected"] = *expected;
  return json;
}

// Converts the steady-clock time of the report to the system clock.
Json path_json(const PathMtu& path) {
  const auto age = std::chrono::steady_clock::now() - path.since;
  return {{"mtu", path.mtu},
          {"saidBy", path.router.to_string()},
          {"since",
           time_text(WallClock::now() - std::chrono::duration_cast<WallClock::duration>(age))}};
}

Json peers_json(const StatusFacts& facts) {
  const PeerStates states(facts.cluster, facts.refusals);
  Json list = Json::array();
  for (const auto& peer : facts.cluster.peers) {
    Json json{{"name", peer.name},
              {"state", states.of(peer)},
              {"podCIDR", peer.pod_cidr.to_string()},
              {"internalIP", peer.internal_ip.to_string()},
              {"ciliumHost", peer.router.to_string()},
              {"acceptsHostEncryption", peer.accepts_host_encryption},
              {"encrypts", peer.node.encrypts_nodes  ? "pods nodes"
                           : peer.node.encrypts_pods ? "pods"
                                                     : ""},
              {"route", route_json(peer)}};
    if (peer.path) json["pathMTU"] = path_json(*peer.path);
    add_way(peer, json);
    list.push_back(std::move(json));
  }
  return list;
}

Json routing_json(const StatusFacts& facts) {
  Json masquerading = Json::object();
  if (facts.native_cidr) masquerading["ipv4"] = facts.native_cidr->to_string();
  if (facts.native_cidr6) masquerading["ipv6"] = facts.native_cidr6->to_string();
  return {{"mode", "native"},
          {"directRoutes", facts.direct_routes},
          {"masqueradedBeyond", masquerading}};
}

Json controllers_json(const std::vector<Controller>& controllers) {
  Json list = Json::array();
  for (const auto& each : controllers) {
    list.push_back({{"name", each.name}, {"healthy", each.healthy}});
  }
  return list;
}

Json problems_json(const std::map<Problem, WallClock::time_point>& problems) {
  Json list = Json::array();
  for (const auto& [problem, since] : problems) {
    list.push_back({{"object", problem.object},
                    {"field", problem.field},
                    {"message", problem.sentence},
                    {"since", time_text(since)}});
  }
  return list;
}

Json refusals_json(const StatusFacts& facts) {
  Json list = Json::array();
  for (const auto& refusal : facts.refusals) {
    list.push_back({{"operation", describe(refusal.operation)},
                    {"errno", refusal.error},
                    {"message", refusal.sentence},
                    {"since", time_text(facts.failing_since)}});
  }
  return list;
}

Json drops_json(const std::map<std::string, DropCount>& drops) {
  Json json = Json::object();
  for (const auto& [reason, count] : drops) {
    json[reason] = {{"packets", count.packets}, {"bytes", count.bytes}};
  }
  return json;
}

Json forgeries_json(const std::vector<ToldForgery>& forgeries) {
  Json list = Json::array();
  for (const auto& each : forgeries) {
    list.push_back({{"kind", each.kind},
                    {"sender", each.sender},
                    {"owner", each.owner},
                    {"packets", each.count.packets},
                    {"bytes", each.count.bytes}});
  }
  return list;
}

}  // namespace

nlohmann::ordered_json status_json(const StatusFacts& facts) {
  Json json{{"ready", facts.ready},
            {"version", PELLICLE_VERSION},
            {"started", time_text(facts.started)},
            {"node", node_json(facts.cluster, facts.node_name)},
            {"kubernetes",
             {{"server", facts.server},
              {"apis", {"core/v1::Node", "core/v1::Secret"}},  // in Cilium's notation
              {"sources", sources_json(facts.sources)}}}};
  json["encryption"] = keys_json(facts.keys, facts.sender);
  json["encryption"]["hostEncryption"] = facts.host_encryption;
  json["encryption"]["strictIngress"] =
      facts.strict_ingress == ClearText::is_dropped ? "enforce" : "observe";
  json["peers"] = peers_json(facts);
  Json unready = Json::array();
  for (const auto& cidr : facts.cluster.unready) unready.push_back(cidr.to_string());
  json["unready"] = unready;
  json["endpoints"] = facts.endpoints;
  json["ipam"] = ipam_json(facts.pools);
  json["cni"] = cni_json(facts.cni);
  json["routing"] = routing_json(facts);
  json["controllers"] = controllers_json(facts.controllers);
  if (facts.health.interval.count() > 0) json["clusterHealth"] = cluster_health_json(facts.health);
  json["objects"] = facts.objects;
  json["problems"] = problems_json(facts.problems);
  json["refusals"] = refusals_json(facts);
  if (!facts.failure.empty()) {
    json["failure"] = {{"message", facts.failure}, {"since", time_text(facts.failing_since)}};
  }
  json["passes"] = facts.passes;
  if (facts.last_change != WallClock::time_point{})
    json["lastChange"] = time_text(facts.last_change);
  json["drops"] = drops_json(facts.drops);
  json["forgeries"] = forgeries_json(facts.forgeries);
  return json;
}

}  // namespace pellicle
