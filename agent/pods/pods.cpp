#include "agent/pods/pods.h"

#include <algorithm>
#include <cerrno>
#include <set>

#include "agent/kernel/netns.h"
#include "agent/kernel/os_error.h"
#include "agent/kernel/pod.h"
#include "agent/log.h"
#include "agent/socket/request_error.h"

namespace pellicle {

namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

// The pod's network namespace as the plugin opened it; none: it is to be found by its path, as
// older plugins have it. A path below /proc tells the plugin's processes by their numbers, which
// are others in a PID namespace like this agent's: it is never tried in place of a descriptor.
std::shared_ptr<const Netns> opened_netns(const PodRequest& request, FileDescriptor passed) {
  if (!request.netns_passed) return nullptr;
  try {
    if (passed) return std::make_shared<const Netns>(std::move(passed), request.netns);
  } catch (const OsError& error) {
    throw RequestError(kErrorFailed, error.what());
  }
  if (!request.netns.starts_with("/proc/")) return nullptr;
  throw RequestError(kErrorTryLater, "network namespace " + request.netns +
                                         ": its descriptor did not arrive; the agent has too many "
                                         "open, or may not have this one");
}

PodSpec spec_of(const PodRequest& request, std::shared_ptr<const Netns> netns,
                const std::vector<IpAddress>& addresses, const PodNetwork& network) {
  return {.id = request.id,
          .name = request.name,
          .netns = request.netns,
          .opened = std::move(netns),
          .ifname = request.ifname,
          .addresses = with_gateways(addresses, network),
          .link_mtu = network.link_mtu,
          .route_mtu = network.route_mtu};
}

// What the kernel refused of the pod itself, in CNI's terms.
RequestError refusal_of(const PodSpec& spec, const OsError& error) {
  const bool gone = error.error() == ENOENT && !spec.opened && !Netns::exists(spec.netns);
  return {gone ? kErrorNoContainer : kErrorFailed, error.what()};
}

}  // namespace

PodNetwork Pods::network() const {
  if (const auto network = datapath_.network()) return *network;
  throw RequestError(kErrorTryLater,
                     "the agent has not programmed this node yet; `pellicle status` says why");
}

nlohmann::json Pods::add(const nlohmann::json& params, FileDescriptor passed) {
  const auto network = this->network();
  const auto request = pod_request(params);
  auto netns = opened_netns(request, std::move(passed));
  const auto* known = endpoints_.find_device(pod_device(request.id));
  const auto spec = spec_of(request, std::move(netns),
                            pod_addresses(request, network, endpoints_, known), network);
  Endpoint endpoint = pod_endpoint(spec);
  endpoint.network = request.network;
  endpoint.egress_shaped = request.egress_shaped;
  endpoint.wanted_sources = request.wanted_sources;
  const bool again = known != nullptr;
  try {
    endpoints_.put(endpoint);
    wire(spec, endpoint);
  } catch (const RequestError& error) {
    // Without a namespace there is no pod left, and the runtime need not ask for its deletion.
    if (!again || error.code() == kErrorNoContainer) undo(endpoint);
    log::warn("pod refused", {{"pod", spec.name}, {"error", error.what()}});
    throw;
  } catch (const std::exception& error) {
    if (!again) undo(endpoint);
    log::warn("pod refused", {{"pod", spec.name}, {"error", error.what()}});
    throw;
  }
  log::info("pod added", {{"pod", endpoint.name},
                          {"addresses", joined(endpoint.addresses)},
                          {"device", endpoint.device}});
  return endpoint_json(endpoint, network);
}

void Pods::wire(const PodSpec& spec, const Endpoint& endpoint) {
  try {
    create_pod_link(spec);
    for (const auto& refusal : datapath_.connect(endpoint)) {
      throw RequestError(kErrorFailed, describe(refusal.operation) + ": " + refusal.sentence);
    }
    start_pod(spec, endpoint);
  } catch (const OsError& error) {
    throw refusal_of(spec, error);
  }
}

// After a failure, which is what is reported.
void Pods::undo(const Endpoint& endpoint) noexcept {
  try {
    unwire(endpoint);
  } catch (const std::exception& error) {
    log::error("a refused pod is not undone", {{"pod", endpoint.name}, {"error", error.what()}});
  }
}

nlohmann::json Pods::check(const nlohmann::json& params, FileDescriptor passed) const {
  const auto network = this->network();
  const auto request = pod_request(params);
  auto netns = opened_netns(request, std::move(passed));
  const auto* known = endpoints_.find_device(pod_device(request.id));
  if (known == nullptr) {
    throw RequestError(kErrorNoContainer, "no pod " + request.id + " on this node");
  }
  const auto named = "pod " + known->name + ": ";
  if (!request.addresses.empty() && !same_addresses(request.addresses, known->addresses)) {
    throw RequestError(kErrorBroken, named + "its addresses are " + joined(known->addresses) +
                                         ", not " + joined(request.addresses));
  }
  const auto spec = spec_of(request, std::move(netns), known->addresses, network);
  const auto missing = missing_of(spec, *known);
  if (!missing.empty()) throw RequestError(kErrorBroken, named + "missing " + joined(missing));
  return nlohmann::json::object();
}

std::vector<std::string> Pods::missing_of(const PodSpec& spec, const Endpoint& endpoint) const {
  try {
    std::vector<std::string> missing = datapath_.missing(endpoint);
    if (auto inside = missing_of_pod(spec, endpoint); !inside.empty()) {
      missing.insert(missing.begin(), std::move(inside));
    }
    return missing;
  } catch (const OsError& error) {
    throw refusal_of(spec, error);
  }
}

nlohmann::json Pods::remove(const nlohmann::json& params) {
  const auto* known = endpoints_.find_device(pod_device(text_of(params, "id")));
  if (known == nullptr) return nlohmann::json::object();
  const Endpoint endpoint = *known;
  unwire(endpoint);
  log::info("pod removed", {{"pod", endpoint.name}, {"addresses", joined(endpoint.addresses)}});
  return nlohmann::json::object();
}

// The record goes last: until then whoever comes after us knows what is left to be undone.
void Pods::unwire(const Endpoint& endpoint) {
  remove_pod_link(endpoint);
  datapath_.disconnect(endpoint);
  endpoints_.remove(endpoint.device);
}

nlohmann::json Pods::collect(const nlohmann::json& params) {
  const auto network = text_of(params, "network");
  const auto valid = params.find("valid");
  if (valid == params.end() || !valid->is_array()) {
    throw RequestError(kErrorInvalid, "params.valid: expected a list of pod ids");
  }
  std::set<std::string> devices;
  for (const auto& id : *valid) devices.insert(pod_device(id.get<std::string>()));
  nlohmann::json removed = nlohmann::json::array();
  std::string failures;
  const auto all = endpoints_.all();
  for (const auto& endpoint : all) {
    // Of a pod that was read from the kernel the network is not known; the usual case is one.
    const bool of_another = !endpoint.network.empty() && endpoint.network != network;
    const bool by_cni = !endpoint.network.empty() || endpoint.id.empty();
    if (of_another || !by_cni || devices.contains(endpoint.device)) continue;
    try {
      unwire(endpoint);
      log::info("pod removed: its container is gone", {{"pod", endpoint.name}});
      removed.push_back(endpoint.name);
    } catch (const std::exception& error) {  // as the specification has it: go on, and say so
      failures += (failures.empty() ? "" : "; ") + endpoint.name + ": " + error.what();
    }
  }
  if (!failures.empty()) throw RequestError(kErrorFailed, failures);
  return {{"removed", removed}};
}

nlohmann::json Pods::ready() const {
  network();
  return nlohmann::json::object();
}

std::vector<PoolUse> Pods::use() const {
  const auto network = datapath_.network();
  return network ? pool_use(*network, endpoints_) : std::vector<PoolUse>{};
}

void Pods::keep_for_health(const PodNetwork& network) {
  endpoints_.keep_for_health(health_addresses(network, endpoints_));
}

nlohmann::json Pods::list() const {
  const auto network = datapath_.network();
  nlohmann::json list = nlohmann::json::array();
  for (const auto& endpoint : endpoints_.all()) list.push_back(endpoint_json(endpoint, network));
  return list;
}

}  // namespace pellicle
