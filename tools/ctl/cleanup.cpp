#include "tools/ctl/cleanup.h"

#include <filesystem>

#include "agent/ipam/endpoints.h"
#include "agent/kernel/linux_kernel.h"
#include "agent/kernel/pod.h"
#include "agent/kernel/pods_in_kernel.h"
#include "agent/reconcile/reconciler.h"

namespace pellicle::ctl {

namespace {

// Adds pods without a record, as found in the kernel.
void adopt(Endpoints& endpoints, LinuxKernel& kernel, CleanupResult& result) {
  try {
    endpoints.adopt(kernel.facts().pod_devices, pods_in_kernel(kernel.dump()));
  } catch (const std::exception& error) {
    result.failures.push_back(std::string("pods without a record: ") + error.what());
  }
}

void remove_pods(const CleanupOptions& options, LinuxKernel& kernel, CleanupResult& result) {
  Endpoints endpoints(options.state_dir);
  if (!options.dry_run) adopt(endpoints, kernel, result);
  const auto all = endpoints.all();
  for (const auto& endpoint : all) {
    try {
      if (!options.dry_run) {
        remove_pod_link(endpoint);
        endpoints.remove(endpoint.device);
      }
      result.removed.push_back("remove pod device " + endpoint.device + " of " + endpoint.name);
    } catch (const std::exception& error) {
      result.failures.push_back("pod device " + endpoint.device + ": " + error.what());
    }
  }
}

// A crash leaves the socket and half-written files; a damaged file leaves the copy that was set
// aside.
void forget(const std::string& state_dir) {
  const std::filesystem::path directory(state_dir);
  std::error_code ignored;
  std::filesystem::remove(directory / "agent.sock", ignored);
  for (const std::string name :
       {"ledger.json", "endpoints.json", "keys.json", "paths.json", "ready"}) {
    for (const char* suffix : {"", ".new", ".more", ".damaged"}) {
      std::filesystem::remove(directory / (name + suffix), ignored);
    }
  }
  std::filesystem::remove_all(directory / "deletions", ignored);
  std::filesystem::remove(directory, ignored);  // only removes an empty directory
}

// Runs first, so that the runtime gives Pellicle no new pod.
void remove_cni(const CleanupOptions& options, CleanupResult& result) {
  try {
    for (const auto& path : uninstall_cni(options.cni, options.dry_run)) {
      result.removed.push_back("remove file " + path);
    }
  } catch (const std::exception& error) {
    result.failures.emplace_back(error.what());
  }
}

}  // namespace

CleanupResult cleanup(const CleanupOptions& options) {
  CleanupResult result;
  remove_cni(options, result);
  LinuxKernel kernel({.state_dir = options.state_dir, .bpf_root = options.bpf_root});
  // Before the objects that encrypt the pods' packets.
  if (!options.keep_pods) remove_pods(options, kernel, result);
  const Plan removal = plan({}, kernel.dump());
  for (const auto& operation : removal) result.removed.push_back(describe(operation));
  if (!options.dry_run) {
    for (const auto& refusal : kernel.apply(removal)) {
      result.failures.push_back(describe(refusal.operation) + ": " + refusal.sentence);
    }
  }
  if (!options.dry_run && result.failures.empty()) {
    if (!options.keep_pods) forget(options.state_dir);
  }
  return result;
}

}  // namespace pellicle::ctl
