#include "agent/pods.h"

#include "agent/kernel/pod.h"
#include "agent/log.h"
#include "agent/status/server.h"

namespace pellicle {

namespace {

using Json = nlohmann::json;

std::string text(const Json& params, const char* field) {
  const auto at = params.find(field);
  if (at == params.end() || !at->is_string() || at->get<std::string>().empty()) {
    throw RequestError(kErrorInvalid, std::string("params.") + field + ": expected a text");
  }
  return at->get<std::string>();
}

IpAddress pod_address(const Json& params, const PodNetwork& network) {
  const auto given = text(params, "address");
  const auto address = IpAddress::parse(given);
  if (!address || !network.pod_cidr.contains(*address) || *address == network.gateway) {
    throw RequestError(kErrorInvalid, "params.address: expected a free address of " +
                                          network.pod_cidr.to_string() + ", found " + given);
  }
  return *address;
}

Json endpoint_json(const Endpoint& endpoint) {
  return {{"id", endpoint.id},
          {"name", endpoint.name},
          {"device", endpoint.device},
          {"address", endpoint.address.to_string()},
          {"mac", endpoint.pod_mac.to_string()}};
}

// Did the kernel refuse something that this pod cannot do without?
bool concerns(const Operation& operation, const Endpoint& endpoint) {
  if (const auto* attachment = std::get_if<Change<Attachment>>(&operation)) {
    return attachment->key.dev == endpoint.device;
  }
  if (const auto* entry = std::get_if<Change<EndpointEntry>>(&operation)) {
    return entry->key.address == endpoint.address;
  }
  return false;
}

}  // namespace

nlohmann::json Pods::add(const Json& params) {
  const auto network = datapath_.network();
  if (!network) {
    throw RequestError(kErrorTryLater, "the agent has not programmed this node yet; try again");
  }
  const PodSpec spec{.id = text(params, "id"),
                     .name = text(params, "name"),
                     .netns = text(params, "netns"),
                     .ifname = params.value("ifname", "eth0"),
                     .address = pod_address(params, *network),
                     .gateway = network->gateway,
                     .link_mtu = network->link_mtu,
                     .route_mtu = network->route_mtu};
  const auto* holder = endpoints_.find(spec.address);
  if (holder != nullptr && holder->id != spec.id) {
    throw RequestError(kErrorInvalid, "params.address: " + spec.address.to_string() +
                                          " belongs to pod " + holder->name);
  }
  wire(spec);
  const auto* endpoint = endpoints_.find(spec.id);
  log::info(
      "pod added",
      {{"pod", spec.name}, {"address", spec.address.to_string()}, {"device", endpoint->device}});
  return endpoint_json(*endpoint);
}

void Pods::wire(const PodSpec& spec) {
  const bool known = endpoints_.find(spec.id) != nullptr;
  const Endpoint endpoint = create_pod_link(spec);
  try {
    endpoints_.put(endpoint);
    for (const auto& refusal : datapath_.reconcile()) {
      if (!concerns(refusal.operation, endpoint)) continue;
      throw RequestError(kErrorFailed, describe(refusal.operation) + ": " + refusal.sentence);
    }
    start_pod(spec, endpoint);
  } catch (const std::exception& error) {
    log::warn("pod refused", {{"pod", spec.name}, {"error", error.what()}});
    if (!known) unwire(endpoint);
    throw;
  }
}

nlohmann::json Pods::remove(const Json& params) {
  const auto id = text(params, "id");
  const auto* known = endpoints_.find(id);
  if (known == nullptr) return Json::object();
  const Endpoint endpoint = *known;
  unwire(endpoint);
  log::info("pod removed", {{"pod", endpoint.name}, {"address", endpoint.address.to_string()}});
  return Json::object();
}

void Pods::unwire(const Endpoint& endpoint) {
  remove_pod_link(endpoint);
  endpoints_.remove(endpoint.id);
  datapath_.reconcile();
}

nlohmann::json Pods::list() const {
  Json list = Json::array();
  for (const auto& endpoint : endpoints_.all()) list.push_back(endpoint_json(endpoint));
  return list;
}

}  // namespace pellicle
