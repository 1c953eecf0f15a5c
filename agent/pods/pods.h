// Wiring pods: what the CNI plugin asks for over the unix socket.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "agent/ipam/endpoints.h"
#include "agent/kernel/file_descriptor.h"
#include "agent/pods/pod_addresses.h"
#include "agent/pods/pod_datapath.h"
#include "agent/pods/pod_request.h"

namespace pellicle {

class Pods {
 public:
  Pods(Endpoints& endpoints, PodDatapath& datapath) : endpoints_(endpoints), datapath_(datapath) {}

  // Chooses addresses, makes the device pair, has the datapath know the pod, and only then brings
  // the pod up. The same request again succeeds and gives the same. Throws RequestError, and then
  // leaves nothing behind. `passed` is the pod's network namespace, where the request says so.
  nlohmann::json add(const nlohmann::json& params, FileDescriptor passed);

  // RequestError kErrorBroken names what is not as add() made it; nothing is repaired.
  nlohmann::json check(const nlohmann::json& params, FileDescriptor passed) const;

  // {"id"}: a pod that is not known is gone already.
  nlohmann::json remove(const nlohmann::json& params);

  // {"network", "valid": [ids]}: pods of this CNI network that are not in the list go.
  nlohmann::json collect(const nlohmann::json& params);

  nlohmann::json ready() const;  // {}, or RequestError kErrorTryLater: can add() be served?
  nlohmann::json list() const;
  std::vector<PoolUse> use() const;  // one a family; empty before the node is programmed

  // Reserves the health endpoint's addresses, once the node's own are known.
  void keep_for_health(const PodNetwork& network);

 private:
  PodNetwork network() const;
  void wire(const struct PodSpec& spec, const Endpoint& endpoint);
  std::vector<std::string> missing_of(const struct PodSpec& spec, const Endpoint& endpoint) const;
  void undo(const Endpoint& endpoint) noexcept;
  void unwire(const Endpoint& endpoint);

  Endpoints& endpoints_;
  PodDatapath& datapath_;
};

}  // namespace pellicle
