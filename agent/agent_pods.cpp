// The agent's part in the life of a pod: what it is given, what the kernel must have for it, and
// what happened while nobody was here.
#include <filesystem>
#include <system_error>

#include "agent/agent.h"
#include "agent/cni/deletions.h"
#include "agent/kernel/pods_in_kernel.h"
#include "agent/log.h"

namespace pellicle {

namespace {

// The algorithm whose overhead the pods' MTU allows for; before a key is known, the usual one.
Algorithm mtu_algorithm(const Inputs& inputs) {
  if (inputs.key) return inputs.key->algorithm;
  return Aead{.name = "rfc4106(gcm(aes))", .key = {}, .icv_bits = 128};
}

}  // namespace

std::optional<PodNetwork> Agent::pod_network() const {
  const auto& last = passes_.last();
  if (!ready() || !stock_taken_) return std::nullopt;
  const auto& config = last.desired.state.datapath_config.begin()->second;
  const auto link_mtu = last.desired.state.links.begin()->second.mtu;
  PodNetwork network{.link_mtu = link_mtu, .route_mtu = config_.settings.pod_mtu};
  // One MTU for all of a pod's routes: with IPv6 the smaller of the two tunnels' counts.
  const auto outer = config.v6 ? Family::v6 : Family::v4;
  if (!network.route_mtu)
    network.route_mtu = inner_mtu(link_mtu, mtu_algorithm(last.inputs), outer);
  for (const auto& [pod_cidr, router] : config.networks()) {
    network.pools.push_back({.pod_cidr = pod_cidr, .gateway = router});
  }
  return network;
}

// What a pod needs is programmed at once, from its own record: it does not wait for a pass, and a
// pass finds nothing to do for it.
Pods::Datapath Agent::pod_datapath() {
  const auto objects = [this](const Endpoint& endpoint) {
    return pod_objects(endpoint, passes_.last().inputs.host, config_.settings);
  };
  return {.network = [this] { return pod_network(); },
          .connect =
              [this, objects](const Endpoint& endpoint) {
                return kernel_.apply(plan(objects(endpoint), {}));
              },
          .disconnect =
              [this, objects](const Endpoint& endpoint) {
                for (const auto& refusal : kernel_.apply(plan({}, objects(endpoint)))) {
                  log::error("kernel refused", {{"operation", describe(refusal.operation)},
                                                {"error", refusal.sentence}});
                }
              },
          .missing =
              [this, objects](const Endpoint& endpoint) {
                std::vector<std::string> missing;
                for (const auto& operation : plan(objects(endpoint), kernel_.dump())) {
                  if (action(operation) != Action::remove) missing.push_back(describe(operation));
                }
                return missing;
              }};
}

// The record of the pods against what really exists: pods that went while nobody looked, and pods
// whose record was lost. Once, and before anything is concluded from the record.
void Agent::take_stock_of_pods() {
  if (stock_taken_) return;
  const auto devices = kernel_.facts().pod_devices;
  const auto found = pods_in_kernel(kernel_.dump());
  try {
    for (const auto& gone : endpoints_.adopt(devices, found)) {
      log::info("pod went while the agent was away", {{"pod", gone.name}, {"device", gone.device}});
    }
  } catch (const std::system_error& error) {  // a full disk: what runs goes on, new pods wait
    pods_trouble_ = error.what();
    return;
  }
  stock_taken_ = true;
}

// What the CNI plugin was asked to delete while no agent answered. The socket listens already: a
// plugin that does not find it wrote its file before this looks.
void Agent::complete_deletions() {
  if (!stock_taken_) return;
  for (const auto& deletion : pending_deletions(config_.socket_path())) {
    try {
      if (deletion.id.empty()) {
        log::warn("deletion names no pod and is dropped", {{"file", deletion.file}});
      } else {
        pods_.remove({{"id", deletion.id}});
      }
      std::filesystem::remove(deletion.file);
    } catch (const std::exception& error) {
      log::error("deletion not completed", {{"file", deletion.file}, {"error", error.what()}});
    }
  }
}

void Agent::serve_pods() {
  complete_deletions();
  const auto network = pod_network();
  if (!network) return;
  try {
    pods_.keep_for_health(*network);
    pods_trouble_.clear();
  } catch (const std::exception& error) {
    pods_trouble_ = error.what();
  }
  serve_cluster_health(*network);
  install_cni();
}

void Agent::install_cni() {
  if (cni_.bring_about()) {
    log::info("the CNI list is written", {{"file", cni_.file()},
                                          {"versions", cni_.versions()},
                                          {"chained", cni_.chained()},
                                          {"not there", cni_.missing()}});
  }
  const bool served = cni_.installed() || config_.cni.conf_dir.empty();
  if (!served) return;
  const auto& name = config_.settings.node_name;
  if (store_.tainted(name) && !taint_is_operators_) taint_.remove();
  if (store_.network_unavailable(name)) network_condition_.available();
}

// The plugins that are chained were asked what they speak.
void Agent::heard_of_plugins() {
  if (pod_network()) install_cni();
  note_problems();
}

}  // namespace pellicle
