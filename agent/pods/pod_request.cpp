#include "agent/pods/pod_request.h"

#include <algorithm>

#include "agent/socket/request_error.h"

namespace pellicle {

namespace {

[[noreturn]] void refuse(const std::string& field, const std::string& expected) {
  throw RequestError(kErrorInvalid, "params." + field + ": expected " + expected);
}

std::string text_or(const nlohmann::json& params, const char* field, const std::string& otherwise) {
  return params.contains(field) ? text_of(params, field) : otherwise;
}

std::vector<IpAddress> addresses_of(const nlohmann::json& params) {
  std::vector<IpAddress> addresses;
  const auto given = params.find("addresses");
  if (given == params.end()) return addresses;
  const char* expected = "a list of IP addresses, at most one a family";
  if (!given->is_array()) refuse("addresses", expected);
  for (const auto& each : *given) {
    const auto address =
        each.is_string() ? IpAddress::parse(each.get<std::string>()) : std::nullopt;
    if (!address) refuse("addresses", std::string(expected) + ", found " + each.dump());
    for (const auto& other : addresses) {
      if (other.family() == address->family()) refuse("addresses", expected);
    }
    addresses.push_back(*address);
  }
  return addresses;
}

bool flag_of(const nlohmann::json& params, const char* field) {
  const auto given = params.find(field);
  if (given == params.end()) return false;
  if (!given->is_boolean()) refuse(field, "true or false");
  return given->get<bool>();
}

// As the pod's annotation has them: "10.9.0.7, 10.8.0.0/16 fd09::/64".
std::vector<Cidr> wanted_sources_of(const nlohmann::json& params) {
  constexpr const char* kField = "allowedAddresses";
  constexpr const char* kBetween = ", \t\n";
  std::vector<Cidr> networks;
  if (!params.contains(kField)) return networks;
  const auto text = text_of(params, kField);
  for (size_t begin = text.find_first_not_of(kBetween); begin != text.npos;) {
    const auto end = std::min(text.find_first_of(kBetween, begin), text.size());
    const auto word = text.substr(begin, end - begin);
    const auto address = IpAddress::parse(word);
    const auto network = address ? std::optional(Cidr::host(*address)) : Cidr::parse(word);
    if (!network) {
      refuse(kField,
             "of the pod's annotation pellicle.io/allowed-addresses addresses or networks "
             "such as 10.9.0.7 or 10.8.0.0/16, found '" +
                 word + "'");
    }
    networks.push_back(*network);
    begin = text.find_first_not_of(kBetween, end);
  }
  constexpr size_t kMost = 4;  // MAX_SOURCES has room for
  if (networks.size() > kMost) refuse(kField, "at most four addresses or networks");
  return networks;
}

}  // namespace

std::string text_of(const nlohmann::json& params, const char* field) {
  const auto given = params.find(field);
  if (given == params.end() || !given->is_string() || given->get<std::string>().empty()) {
    refuse(field, "a text");
  }
  return given->get<std::string>();
}

PodRequest pod_request(const nlohmann::json& params) {
  PodRequest pod{.id = text_of(params, "id"),
                 .name = text_or(params, "name", ""),
                 .netns = text_of(params, "netns"),
                 .netns_passed = flag_of(params, "netnsPassed"),
                 .ifname = text_or(params, "ifname", "eth0"),
                 .network = text_or(params, "network", ""),
                 .addresses = addresses_of(params),
                 .egress_shaped = flag_of(params, "egressShaped"),
                 .wanted_sources = wanted_sources_of(params)};
  if (pod.name.empty()) pod.name = pod.id;
  return pod;
}

nlohmann::json endpoint_json(const Endpoint& endpoint, const std::optional<PodNetwork>& network) {
  nlohmann::json addresses = nlohmann::json::array();
  for (const auto& address : endpoint.addresses) {
    nlohmann::json entry{{"address", address.to_string()}};
    for (const auto& pool : network ? network->pools : std::vector<PodNetwork::Pool>{}) {
      if (pool.gateway.family() == address.family()) entry["gateway"] = pool.gateway.to_string();
    }
    addresses.push_back(std::move(entry));
  }
  nlohmann::json json{{"id", endpoint.id},
                      {"name", endpoint.name},
                      {"network", endpoint.network},
                      {"device", endpoint.device},
                      {"addresses", std::move(addresses)},
                      {"mac", endpoint.pod_mac.to_string()},
                      {"hostMac", endpoint.host_mac.to_string()},
                      {"egressShaped", endpoint.egress_shaped}};
  if (network) {
    json["linkMtu"] = network->link_mtu;
    json["routeMtu"] = network->route_mtu;
  }
  return json;
}

}  // namespace pellicle
