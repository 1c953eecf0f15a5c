#include "agent/pods/pod_datapath.h"

#include "agent/log.h"

namespace pellicle {

namespace {

// The algorithm whose overhead the pods' MTU allows for; before a key is known, the usual one.
Algorithm mtu_algorithm(const Inputs& inputs) {
  if (inputs.key) return inputs.key->algorithm;
  return Aead{.name = "rfc4106(gcm(aes))", .key = {}, .icv_bits = 128};
}

}  // namespace

std::optional<PodNetwork> PodDatapath::network() const {
  if (!core_.ready() || core_.scope() != Scope::everything) return std::nullopt;
  const auto& last = core_.last();
  const auto& config = last.desired.state.datapath_config.begin()->second;
  const auto link_mtu = last.desired.state.links.begin()->second.mtu;
  PodNetwork network{.link_mtu = link_mtu, .route_mtu = settings_.pod_mtu};
  // One MTU for all of a pod's routes: with IPv6 the smaller of the two tunnels' counts.
  const auto outer = config.v6 ? Family::v6 : Family::v4;
  if (!network.route_mtu)
    network.route_mtu = inner_mtu(link_mtu, mtu_algorithm(last.inputs), outer);
  for (const auto& [pod_cidr, router] : config.networks()) {
    network.pools.push_back({.pod_cidr = pod_cidr, .gateway = router});
  }
  return network;
}

KernelState PodDatapath::objects(const Endpoint& endpoint) const {
  return pod_objects(endpoint, core_.last().inputs.host, settings_);
}

std::vector<Refusal> PodDatapath::connect(const Endpoint& endpoint) {
  return core_.apply(plan(objects(endpoint), {}));
}

void PodDatapath::disconnect(const Endpoint& endpoint) {
  for (const auto& refusal : core_.apply(plan({}, objects(endpoint)))) {
    log::error("kernel refused",
               {{"operation", describe(refusal.operation)}, {"error", refusal.sentence}});
  }
}

std::vector<std::string> PodDatapath::missing(const Endpoint& endpoint) {
  std::vector<std::string> missing;
  for (const auto& operation : plan(objects(endpoint), kernel_.dump())) {
    if (action(operation) != Action::remove) missing.push_back(describe(operation));
  }
  return missing;
}

}  // namespace pellicle
