#include "agent/pods/pod_service.h"

#include <boost/asio/post.hpp>
#include <filesystem>
#include <system_error>

#include "agent/cni/deletions.h"
#include "agent/kernel/pods_in_kernel.h"
#include "agent/kube/watcher.h"
#include "agent/log.h"

namespace pellicle {

PodService::PodService(boost::asio::io_context& context, Options options, const Parts& parts,
                       std::function<void()> changed)
    : options_(std::move(options)),
      parts_(parts),
      changed_(std::move(changed)),
      pods_(parts.endpoints, parts.datapath),
      cni_(options_.cni, options_.socket,
           [this, &context] { boost::asio::post(context, [this] { heard_of_plugins(); }); }),
      taint_(context, parts.client, options_.node_name, random_seed(),
             {.on_done =
                  [](bool written) {
                    if (written)
                      log::info("this node takes pods", {{"taint removed", kNotReadyTaint}});
                  },
              .on_trouble =
                  [](const std::string& trouble) {
                    log::warn("node keeps its taint", {{"error", trouble}});
                  },
              .on_forbidden =
                  [this](const std::string&) {
                    taint_is_operators_ = true;
                    log::info("the taint is left to the operator", {{"taint", kNotReadyTaint}});
                  }}),
      network_condition_(
          context, parts.client, options_.node_name, random_seed(),
          {.on_written = [] { log::info("the node's network is said to be available"); },
           .on_trouble =
               [](const std::string& trouble) {
                 log::warn("node keeps NetworkUnavailable", {{"error", trouble}});
               }}) {}

void PodService::start() {
  try {
    take_stock();
  } catch (const std::exception& error) {  // serve() retries, and a pass shows the error
    log::warn("the pods cannot be looked at yet", {{"error", error.what()}});
  }
  complete_deletions();
}

// Compares the record of pods with the kernel, once, before anything is concluded from the record:
// some pods went while no agent ran, and the record of others was lost.
bool PodService::take_stock() {
  auto& endpoints = parts_.endpoints;
  if (endpoints.adopted()) return false;
  const auto devices = parts_.kernel.facts().pod_devices;
  const auto found = pods_in_kernel(parts_.kernel.dump());
  try {
    for (const auto& gone : endpoints.adopt(devices, found)) {
      log::info("pod went while the agent was away", {{"pod", gone.name}, {"device", gone.device}});
    }
    trouble_.clear();
  } catch (
      const std::system_error& error) {  // a full disk: running pods keep working, new ones wait
    trouble_ = error.what();
  }
  return endpoints.adopted();
}

// Deletions that the CNI plugin was asked for while no agent answered.
void PodService::complete_deletions() {
  if (!parts_.endpoints.adopted()) return;
  for (const auto& deletion : pending_deletions(options_.socket)) {
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

bool PodService::serve() {
  bool completed = false;
  try {
    completed = take_stock();
  } catch (const std::exception& error) {  // a pass meets the same error and reports it
    log::debug("the pods cannot be looked at yet", {{"error", error.what()}});
  }
  complete_deletions();
  const auto network = parts_.datapath.network();
  if (!network) return completed;
  try {
    pods_.keep_for_health(*network);
    trouble_.clear();
  } catch (const std::exception& error) {
    trouble_ = error.what();
  }
  install_cni();
  return completed;
}

void PodService::install_cni() {
  if (cni_.bring_about()) {
    log::info("the CNI list is written", {{"file", cni_.file()},
                                          {"versions", cni_.versions()},
                                          {"chained", cni_.chained()},
                                          {"not there", cni_.missing()}});
  }
  const bool served = cni_.installed() || options_.cni.conf_dir.empty();
  if (!served) return;
  const auto& name = options_.node_name;
  if (parts_.store.tainted(name) && !taint_is_operators_) taint_.remove();
  if (parts_.store.network_unavailable(name)) network_condition_.available();
}

// The chained plugins have said which CNI versions they know.
void PodService::heard_of_plugins() {
  if (parts_.datapath.network()) install_cni();
  changed_();
}

std::vector<Problem> PodService::problems() const {
  std::vector<Problem> problems = cni_.problems();
  if (const auto& problem = parts_.endpoints.problem()) problems.push_back(*problem);
  if (!trouble_.empty()) {
    problems.push_back({"File " + options_.state_dir + "/endpoints.json", "", trouble_});
  }
  return problems;
}

}  // namespace pellicle
