#include "tools/ctl/cleanup.h"

#include <filesystem>

#include "agent/ipam/endpoints.h"
#include "agent/kernel/linux_kernel.h"
#include "agent/kernel/pod.h"
#include "agent/reconcile/reconciler.h"

namespace pellicle::ctl {

namespace {

void remove_pods(const CleanupOptions& options, CleanupResult& result) {
  Endpoints endpoints(options.state_dir);
  const auto all = endpoints.all();
  for (const auto& endpoint : all) {
    try {
      if (!options.dry_run) {
        remove_pod_link(endpoint);
        endpoints.remove(endpoint.id);
      }
      result.removed.push_back("remove pod device " + endpoint.device + " of " + endpoint.name);
    } catch (const std::exception& error) {
      result.failures.push_back("pod device " + endpoint.device + ": " + error.what());
    }
  }
}

void forget(const std::string& state_dir) {
  std::error_code ignored;
  for (const auto* name : {"ledger.json", "endpoints.json"}) {
    std::filesystem::remove(std::filesystem::path(state_dir) / name, ignored);
  }
  std::filesystem::remove(state_dir, ignored);  // only when nothing else is in it
}

}  // namespace

CleanupResult cleanup(const CleanupOptions& options) {
  CleanupResult result;
  LinuxKernel kernel({.state_dir = options.state_dir, .bpf_root = options.bpf_root});
  const Plan removal = plan({}, kernel.dump());
  for (const auto& operation : removal) result.removed.push_back(describe(operation));
  if (!options.dry_run) {
    for (const auto& refusal : kernel.apply(removal)) {
      result.failures.push_back(describe(refusal.operation) + ": " + refusal.sentence);
    }
  }
  if (!options.keep_pods) remove_pods(options, result);
  if (!options.dry_run && result.failures.empty()) {
    if (!options.keep_pods) forget(options.state_dir);
  }
  return result;
}

}  // namespace pellicle::ctl
