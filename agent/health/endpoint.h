// What other nodes ask of this one: the health endpoint, a pod of the agent's own (lxc_health) in
// the node's PodCIDR, and the same answer at the node's addresses.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "agent/http/health_server.h"
#include "agent/kernel/netns.h"
#include "agent/kernel/pod.h"
#include "agent/pod_request.h"
#include "agent/reconcile/kernel.h"

namespace pellicle {

inline constexpr const char* kHealthDevice = "lxc_health";  // as Cilium's

// Its network namespace has no name and no process, only the socket that answers: it ends with the
// agent, and the device with it. Nothing of it can be left behind.
class HealthEndpoint {
 public:
  struct Datapath {
    std::function<std::vector<Refusal>(const Endpoint&)> connect;  // as of a pod
  };
  HealthEndpoint(boost::asio::io_context& io, Datapath datapath)
      : io_(io), datapath_(std::move(datapath)) {}

  // Made with these addresses, one a family at most, or made anew when something of it has changed
  // or its device has gone; none while there is no address. std::exception says why not.
  void bring_about(const PodNetwork& network, const std::vector<IpAddress>& addresses);
  // Answers at these addresses of the node itself, and no longer at others.
  void answer_at(const std::vector<IpAddress>& addresses);

  const std::optional<Endpoint>& endpoint() const { return endpoint_; }

 private:
  std::unique_ptr<HealthServer> server(const std::string& address);

  boost::asio::io_context& io_;
  Datapath datapath_;
  std::optional<Netns> netns_;
  PodSpec spec_;
  std::optional<Endpoint> endpoint_;
  std::unique_ptr<HealthServer> answers_;  // inside
  std::map<IpAddress, std::unique_ptr<HealthServer>> node_answers_;
};

}  // namespace pellicle
