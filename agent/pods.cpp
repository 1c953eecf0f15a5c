#include "agent/pods.h"

#include <algorithm>
#include <system_error>

#include "agent/kernel/os_error.h"
#include "agent/kernel/pod.h"
#include "agent/log.h"
#include "agent/model/address_pool.h"
#include "agent/status/server.h"

namespace pellicle {

namespace {

using Json = nlohmann::json;

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::string joined(const std::vector<IpAddress>& addresses) {
  std::vector<std::string> words;
  for (const auto& address : addresses) words.push_back(address.to_string());
  return joined(words);
}

PodSpec spec_of(const PodRequest& request, const std::vector<IpAddress>& addresses,
                const PodNetwork& network) {
  PodSpec spec{.id = request.id,
               .name = request.name,
               .netns = request.netns,
               .ifname = request.ifname,
               .addresses = {},
               .link_mtu = network.link_mtu,
               .route_mtu = network.route_mtu};
  for (const auto& address : addresses) {
    for (const auto& pool : network.pools) {
      if (pool.gateway.family() != address.family()) continue;
      spec.addresses.push_back({.address = address, .gateway = pool.gateway});
    }
  }
  return spec;
}

// An address that the caller asks for.
IpAddress wanted_address(const PodRequest& request, const PodNetwork::Pool& pool,
                         const std::set<IpAddress>& taken) {
  const AddressPool addresses(pool.pod_cidr);
  const auto& wanted = request.addresses;
  const auto at = std::find_if(wanted.begin(), wanted.end(), [&](const IpAddress& each) {
    return each.family() == pool.pod_cidr.family();
  });
  if (at != wanted.end() && addresses.usable(*at) && !taken.contains(*at)) return *at;
  throw RequestError(kErrorInvalid, "params.addresses: expected a free address of " +
                                        pool.pod_cidr.to_string() + ", found " + joined(wanted));
}

IpAddress free_address(const PodNetwork::Pool& pool, const std::set<IpAddress>& taken,
                       const std::vector<IpAddress>& released) {
  const AddressPool addresses(pool.pod_cidr);
  if (const auto free = addresses.first_free(taken, released)) return *free;
  throw RequestError(kErrorExhausted, "no address of PodCIDR " + pool.pod_cidr.to_string() +
                                          " is free: all " + std::to_string(addresses.size()) +
                                          " are given out or reserved");
}

bool same_addresses(std::vector<IpAddress> a, std::vector<IpAddress> b) {
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  return a == b;
}

}  // namespace

PodNetwork Pods::network() const {
  if (const auto network = datapath_.network()) return *network;
  throw RequestError(kErrorTryLater,
                     "the agent has not programmed this node yet; `pellicle status` says why");
}

std::set<IpAddress> Pods::taken(const PodNetwork& network) const {
  std::set<IpAddress> taken(endpoints_.health().begin(), endpoints_.health().end());
  for (const auto& pool : network.pools) taken.insert(pool.gateway);
  for (const auto& endpoint : endpoints_.all()) {
    taken.insert(endpoint.addresses.begin(), endpoint.addresses.end());
  }
  return taken;
}

// A pod that is known keeps what it has.
std::vector<IpAddress> Pods::addresses_for(const PodRequest& request, const PodNetwork& network,
                                           const Endpoint* known) const {
  if (known != nullptr) {
    if (!request.addresses.empty() && !same_addresses(request.addresses, known->addresses)) {
      throw RequestError(kErrorInvalid, "params.addresses: pod " + known->name + " has " +
                                            joined(known->addresses) + " already");
    }
    return known->addresses;
  }
  const auto taken = this->taken(network);
  std::vector<IpAddress> addresses;
  for (const auto& pool : network.pools) {
    addresses.push_back(request.addresses.empty() ? free_address(pool, taken, endpoints_.released())
                                                  : wanted_address(request, pool, taken));
  }
  return addresses;
}

nlohmann::json Pods::add(const Json& params) {
  const auto network = this->network();
  const auto request = pod_request(params);
  const auto* known = endpoints_.find_device(pod_device(request.id));
  const auto spec = spec_of(request, addresses_for(request, network, known), network);
  Endpoint endpoint = pod_endpoint(spec);
  endpoint.network = request.network;
  endpoint.egress_shaped = request.egress_shaped;
  const bool again = known != nullptr;
  try {
    endpoints_.put(endpoint);
    wire(spec, endpoint);
  } catch (const std::exception& error) {
    log::warn("pod refused", {{"pod", spec.name}, {"error", error.what()}});
    if (!again) undo(endpoint);
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
    throw RequestError(error.error() == ENOENT ? kErrorNoContainer : kErrorFailed, error.what());
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

nlohmann::json Pods::check(const Json& params) const {
  const auto network = this->network();
  const auto request = pod_request(params);
  const auto* known = endpoints_.find_device(pod_device(request.id));
  if (known == nullptr) {
    throw RequestError(kErrorNoContainer, "no pod " + request.id + " on this node");
  }
  const auto named = "pod " + known->name + ": ";
  if (!request.addresses.empty() && !same_addresses(request.addresses, known->addresses)) {
    throw RequestError(kErrorBroken, named + "its addresses are " + joined(known->addresses) +
                                         ", not " + joined(request.addresses));
  }
  const auto spec = spec_of(request, known->addresses, network);
  std::vector<std::string> missing = datapath_.missing(*known);
  if (auto inside = missing_of_pod(spec, *known); !inside.empty()) {
    missing.insert(missing.begin(), std::move(inside));
  }
  if (!missing.empty()) throw RequestError(kErrorBroken, named + "missing " + joined(missing));
  return Json::object();
}

nlohmann::json Pods::remove(const Json& params) {
  const auto* known = endpoints_.find_device(pod_device(text_of(params, "id")));
  if (known == nullptr) return Json::object();
  const Endpoint endpoint = *known;
  unwire(endpoint);
  log::info("pod removed", {{"pod", endpoint.name}, {"addresses", joined(endpoint.addresses)}});
  return Json::object();
}

// The record goes last: until then whoever comes after us knows what is left to be undone.
void Pods::unwire(const Endpoint& endpoint) {
  remove_pod_link(endpoint);
  datapath_.disconnect(endpoint);
  endpoints_.remove(endpoint.device);
}

nlohmann::json Pods::collect(const Json& params) {
  const auto network = text_of(params, "network");
  const auto valid = params.find("valid");
  if (valid == params.end() || !valid->is_array()) {
    throw RequestError(kErrorInvalid, "params.valid: expected a list of pod ids");
  }
  std::set<std::string> devices;
  for (const auto& id : *valid) devices.insert(pod_device(id.get<std::string>()));
  Json removed = Json::array();
  const auto all = endpoints_.all();
  for (const auto& endpoint : all) {
    if (endpoint.network != network || devices.contains(endpoint.device)) continue;
    unwire(endpoint);
    log::info("pod removed: its container is gone", {{"pod", endpoint.name}});
    removed.push_back(endpoint.name);
  }
  return {{"removed", removed}};
}

nlohmann::json Pods::ready() const {
  network();
  return Json::object();
}

nlohmann::json Pods::list() const {
  const auto network = datapath_.network();
  Json list = Json::array();
  for (const auto& endpoint : endpoints_.all()) list.push_back(endpoint_json(endpoint, network));
  return list;
}

std::vector<PoolUse> Pods::use() const {
  std::vector<PoolUse> uses;
  const auto network = datapath_.network();
  if (!network) return uses;
  const auto taken = this->taken(*network);
  for (const auto& pool : network->pools) {
    const AddressPool addresses(pool.pod_cidr);
    const auto count = std::count_if(taken.begin(), taken.end(),
                                     [&](const IpAddress& each) { return addresses.usable(each); });
    uses.push_back({.pod_cidr = pool.pod_cidr,
                    .allocated = static_cast<uint64_t>(count),
                    .usable = addresses.size()});
  }
  return uses;
}

void Pods::keep_for_health(const PodNetwork& network) {
  std::vector<IpAddress> kept;
  for (const auto& pool : network.pools) {
    const AddressPool addresses(pool.pod_cidr);
    std::set<IpAddress> taken{pool.gateway};
    for (const auto& endpoint : endpoints_.all()) {
      taken.insert(endpoint.addresses.begin(), endpoint.addresses.end());
    }
    const auto& before = endpoints_.health();
    const auto still = std::find_if(before.begin(), before.end(), [&](const IpAddress& each) {
      return addresses.usable(each) && !taken.contains(each);
    });
    if (still != before.end()) {
      kept.push_back(*still);
    } else if (const auto free = addresses.first_free(taken, endpoints_.released())) {
      kept.push_back(*free);
    }
  }
  endpoints_.keep_for_health(std::move(kept));
}

}  // namespace pellicle
