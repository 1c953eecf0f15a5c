// The pod's own network namespace: what is in it, what a started pod lacks. Called from inside.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/kernel/link_codec.h"
#include "agent/kernel/pod_link.h"
#include "agent/kernel/route_codec.h"

namespace pellicle {

struct PodInside {
  std::optional<PodLink> loopback;
  std::optional<PodLink> link;  // spec.ifname
  std::vector<LinkAddress> addresses;
  std::vector<KernelRoute> routes;
  bool gateway_is_permanent = false;  // its neighbour entry, with the host end's MAC
};
PodInside read_pod_inside(NetlinkSocket& socket, const PodSpec& spec, const Endpoint& endpoint);

// One sentence when something that is not ours has the place of something we need.
std::optional<std::string> conflict_in_pod(const PodInside& inside, const PodSpec& spec);

struct PodStep {
  std::string what;  // "address 10.0.1.52/32"
  NetlinkMessage message;
};
// What is missing, in the order in which it can be made. `inside.link` must be there.
std::vector<PodStep> missing_steps(const PodInside& inside, const PodSpec& spec,
                                   const Endpoint& endpoint);

}  // namespace pellicle
