// What the node's datapath has for one pod.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/core/core.h"
#include "agent/pods/pod_request.h"

namespace pellicle {

// A pod's objects are programmed at once, from its own record: a pod does not wait for a pass, and
// a pass finds nothing to do for it. Each call may throw KernelError.
class PodDatapath {
 public:
  PodDatapath(Settings settings, Core& core, Kernel& kernel)
      : settings_(std::move(settings)), core_(core), kernel_(kernel) {}

  // nullopt while no pod can be served: the node is not programmed, or the record of pods has not
  // been compared with the kernel.
  std::optional<PodNetwork> network() const;

  // Maps, programs and settings for the pod's device, before the pod can send. Returns what the
  // kernel refused.
  std::vector<Refusal> connect(const Endpoint& endpoint);
  void disconnect(const Endpoint& endpoint);
  // What connect() made and the kernel no longer has, described.
  std::vector<std::string> missing(const Endpoint& endpoint);

 private:
  KernelState objects(const Endpoint& endpoint) const;

  Settings settings_;
  Core& core_;
  Kernel& kernel_;
};

}  // namespace pellicle
