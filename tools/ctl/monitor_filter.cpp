#include "tools/ctl/monitor_filter.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tools/ctl/screen.h"

namespace pellicle::ctl {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::array kFields = {"podCIDR",     "podCIDR6",   "internalIP",
                                "internalIP6", "ciliumHost", "ciliumHost6"};

bool contains(const std::vector<Cidr>& networks, const std::optional<IpAddress>& address) {
  return address && std::any_of(networks.begin(), networks.end(),
                                [&](const Cidr& network) { return network.contains(*address); });
}

std::vector<Cidr> networks_of(const Json& node) {
  std::vector<Cidr> networks;
  for (const char* field : kFields) {
    if (const auto network = parse_network(text_of(node, field))) networks.push_back(*network);
  }
  return networks;
}

bool is_called(const Json& node, const std::string& name) {
  if (text_of(node, "name") == name) return true;
  const auto address = IpAddress::parse(name);
  const auto networks = networks_of(node);
  return address &&
         std::find(networks.begin(), networks.end(), Cidr::host(*address)) != networks.end();
}

}  // namespace

bool MonitorFilter::takes(const DatapathEvent& event) const {
  const auto either = [&](const std::vector<Cidr>& networks) {
    return networks.empty() || contains(networks, event.source) ||
           contains(networks, event.destination);
  };
  return (from.empty() || contains(from, event.source)) &&
         (to.empty() || contains(to, event.destination)) && either(related) && either(nodes);
}

std::optional<Cidr> parse_network(const std::string& text) {
  if (const auto address = IpAddress::parse(text)) return Cidr::host(*address);
  return Cidr::parse(text);
}

std::vector<Cidr> networks_of_node(const Json& status, const std::string& node) {
  std::vector<Json> all{status.value("node", Json::object())};
  for (const auto& peer : status.value("peers", Json::array())) all.push_back(peer);
  std::string name;
  for (const auto& one : all) {
    if (is_called(one, node)) name = text_of(one, "name");
  }
  std::vector<Cidr> networks;
  if (name.empty()) return networks;
  for (const auto& one : all) {  // a peer with two families is two entries
    if (text_of(one, "name") != name) continue;
    for (const auto& network : networks_of(one)) networks.push_back(network);
  }
  return networks;
}

}  // namespace pellicle::ctl
