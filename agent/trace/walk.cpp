#include "agent/trace/walk.h"

#include <algorithm>
#include <stdexcept>

namespace pellicle {

const char* end_name(TraceEnd end) {
  switch (end) {
    case TraceEnd::encrypted:
      return "encrypted";
    case TraceEnd::delivered:
      return "delivered";
    case TraceEnd::clear:
      return "clear";
    case TraceEnd::dropped:
      return "dropped";
  }
  return "dropped";
}

bool Walk::is_router(const IpAddress& address) const {
  const auto networks = config().networks();
  return std::any_of(networks.begin(), networks.end(),
                     [&](const auto& network) { return network.router == address; });
}

void Walk::found(const std::string& where, const std::string& finding) {
  trace_.steps.push_back({where, finding, true});
}

void Walk::noted(const std::string& where, const std::string& finding) {
  trace_.steps.push_back({where, finding, false});
}

Trace Walk::ended(TraceEnd end, const std::string& verdict) {
  trace_.end = end;
  trace_.verdict = verdict;
  return trace_;
}

Trace Walk::missing(const std::string& where, const std::string& finding,
                    const std::string& effect) {
  noted(where, finding);
  return ended(TraceEnd::dropped, effect);
}

bool Walk::is_attached(const std::string& dev, bool ingress, const std::string& name) const {
  for (const auto* table : {&kernel_.attachments, &kernel_.auditors}) {
    const auto attached = table->find({dev, ingress});
    if (attached != table->end() && attached->second.program == name) return true;
  }
  return false;
}

bool Walk::program(const std::string& dev, bool ingress, const std::string& name,
                   const std::string& without) {
  const std::string where = dev + (ingress ? " ingress" : " egress");
  if (is_attached(dev, ingress, name)) {
    found(where, "program " + name);
    return true;
  }
  noted(where, "program " + name + " is not attached: " + without);
  return false;
}

bool Walk::uplink_program(bool ingress, const std::string& without) {
  const auto way = route(kMainTable, ingress ? from_ : to_);
  const auto dev = way ? way->second.dev : config().uplink;
  const std::string l3 = ingress ? "pell_l3_in" : "pell_l3_out";
  const bool bare = is_attached(dev, ingress, l3);
  return program(dev, ingress, bare ? l3 : ingress ? "pell_uplink_in" : "pell_uplink_out", without);
}

bool Walk::table_rule(uint32_t table) const {
  return std::any_of(kernel_.rules.begin(), kernel_.rules.end(), [&](const auto& entry) {
    const auto& key = entry.first;
    return key.family == to_.family() && key.table == table &&
           (!key.src || key.src->contains(from_));
  });
}

bool Walk::mark_rule(const Mark& mark) {
  for (const auto& [key, rule] : kernel_.rules) {
    if (key.family != to_.family() || key.mark != mark || key.table != kEncryptTable) continue;
    found("rule", describe(key, rule));
    return true;
  }
  return false;
}

std::optional<Table<Route>::value_type> Walk::route(uint32_t table, const IpAddress& to) const {
  std::optional<Table<Route>::value_type> best;
  for (const auto& entry : kernel_.routes) {
    const auto& key = entry.first;
    if (key.table != table || !key.dst.contains(to)) continue;
    if (!best || key.dst.length() > best->first.dst.length()) best.emplace(entry);
  }
  return best;
}

bool Walk::route_found(uint32_t table, const IpAddress& to) {
  const auto way = route(table, to);
  if (way)
    found(table == kMainTable ? "route, main" : "route, " + std::to_string(table),
          describe(way->first, way->second));
  return way.has_value();
}

Trace trace_delivery(Walk& walk, const std::string& how) {
  const auto& config = walk.config();
  if (!walk.route_found(kMainTable, walk.to())) {
    return walk.missing("route, main", "no route to this node's pods over " + config.host_device,
                        "dropped: no packet for a pod of this node leaves it");
  }
  if (!walk.program(config.host_device, false, "pell_host_out", "nothing delivers to pods")) {
    return walk.ended(TraceEnd::dropped, "dropped: nothing delivers to pods of this node");
  }
  const auto pod = walk.kernel().endpoints.find({walk.to()});
  if (pod == walk.kernel().endpoints.end()) {
    return walk.missing("endpoint", "no pod of this node has " + walk.to().to_string(),
                        "dropped and counted: no endpoint");
  }
  walk.found("endpoint", describe(pod->first, pod->second));
  return walk.ended(TraceEnd::delivered, how + " on " + pod->second.device);
}

void Walk::path(const IpAddress& router) {
  const auto known = paths_.find(router);
  if (known == paths_.end()) return;
  const auto& [mtu, said_by, since] = known->second;
  const auto age =
      std::chrono::floor<std::chrono::seconds>(std::chrono::steady_clock::now() - since);
  found("path", "path MTU " + std::to_string(mtu) + " to " + router.to_string() + ", said by " +
                    said_by.to_string() + " " + std::to_string(age.count()) + " s ago");
}

Trace trace(const KernelState& kernel, const IpAddress& from, const IpAddress& to,
            const PathMtus& paths) {
  if (from.family() != to.family()) {
    throw std::runtime_error(from.to_string() + " and " + to.to_string() +
                             ": expected two addresses of one family");
  }
  if (kernel.datapath_config.empty()) {
    throw std::runtime_error("this node is not programmed: the datapath's configuration is empty");
  }
  Walk walk(kernel, from, to, paths);
  if (from.is_any()) {
    return walk.missing("endpoint", from.to_string() + " is the address of no pod",
                        "dropped and counted: forged; a pod gets its address by CNI, so DHCP is "
                        "refused");
  }
  for (const auto& network : walk.config().networks()) {
    if (network.pod_cidr.contains(from)) return trace_sent(walk);
    if (network.pod_cidr.contains(to)) return trace_received(walk);
  }
  throw std::runtime_error("expected a pod of this node, found " + from.to_string() + " and " +
                           to.to_string() + ", neither of which is in its PodCIDR");
}

}  // namespace pellicle
