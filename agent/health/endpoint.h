// Answers the health questions of other nodes: at the health endpoint, which is the agent's own pod
// (lxc_health) in the node's PodCIDR, and at the node's own addresses.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "agent/http/health_server.h"
#include "agent/kernel/netns.h"
#include "agent/kernel/pod.h"
#include "agent/pods/pod_datapath.h"

namespace pellicle {

inline constexpr const char* kHealthDevice = "lxc_health";  // Cilium's name for it

// Only the agent's descriptors and listening socket keep the endpoint's network namespace alive: it
// has no name and no process. When the agent ends, the kernel removes the namespace and the device,
// so nothing is left behind.
class HealthEndpoint {
 public:
  HealthEndpoint(boost::asio::io_context& io, PodDatapath& datapath)
      : io_(io), datapath_(datapath) {}

  // Creates the endpoint with these addresses, at most one per family. Recreates it when its
  // addresses or MTUs changed or its device is gone. Without addresses there is no endpoint. Throws
  // std::exception on failure.
  void bring_about(const PodNetwork& network, const std::vector<IpAddress>& addresses);
  // Listens at these addresses of the node itself, and stops listening at others.
  void answer_at(const std::vector<IpAddress>& addresses);

  const std::optional<Endpoint>& endpoint() const { return endpoint_; }

 private:
  std::unique_ptr<HealthServer> server(const std::string& address);

  boost::asio::io_context& io_;
  PodDatapath& datapath_;
  std::optional<Netns> netns_;
  PodSpec spec_;
  std::optional<Endpoint> endpoint_;
  std::unique_ptr<HealthServer> answers_;  // inside the endpoint's network namespace
  std::map<IpAddress, std::unique_ptr<HealthServer>> node_answers_;
};

}  // namespace pellicle
