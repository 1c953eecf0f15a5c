// Wiring pods: what CNI ADD and DEL will ask for over the unix socket.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "agent/ipam/endpoints.h"
#include "agent/reconcile/kernel.h"

namespace pellicle {

// What a pod of this node is given; known once the node itself is programmed.
struct PodNetwork {
  Cidr pod_cidr;
  IpAddress gateway;       // cilium_host's address
  uint32_t link_mtu = 0;   // of the pod's eth0: the uplink's
  uint32_t route_mtu = 0;  // of its default route: what fits after encryption
};

class Pods {
 public:
  struct Datapath {
    std::function<std::optional<PodNetwork>()> network;  // no value before the first complete pass
    std::function<std::vector<Refusal>()> reconcile;     // a pass, now; throws KernelError
  };

  Pods(Endpoints& endpoints, Datapath datapath)
      : endpoints_(endpoints), datapath_(std::move(datapath)) {}

  // {"id", "name", "netns", "address", "ifname"?}: makes the device pair, has the datapath know the
  // pod, and only then brings the pod up. The same request again succeeds. Throws RequestError, and
  // then leaves nothing behind.
  nlohmann::json add(const nlohmann::json& params);

  // {"id"}: a pod that is not known is gone already.
  nlohmann::json remove(const nlohmann::json& params);

  nlohmann::json list() const;

 private:
  void wire(const struct PodSpec& spec);
  void unwire(const Endpoint& endpoint);

  Endpoints& endpoints_;
  Datapath datapath_;
};

}  // namespace pellicle
