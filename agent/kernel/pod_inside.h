// The pod's own network namespace: what is in it, what a started pod lacks. Called from inside.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/kernel/link_codec.h"
#include "agent/kernel/os_error.h"
#include "agent/kernel/pod_link.h"
#include "agent/kernel/route_codec.h"

namespace pellicle {

struct PodInside {
  std::optional<PodLink> loopback;
  std::optional<PodLink> link;  // spec.ifname
  std::vector<LinkAddress> addresses;
  std::vector<KernelRoute> routes;         // of the families that `spec` wants
  std::set<IpAddress> permanent_gateways;  // those with a neighbour entry for the host end's MAC
};
// `pod_index`: the number of the pod's device, as its host end knows it; 0: unknown. Throws
// OsError.
PodInside read_pod_inside(NetlinkSocket& socket, const PodSpec& spec, const Endpoint& endpoint,
                          int pod_index);

// Something that is not ours has the place of something we need, or the place cannot be had.
std::optional<OsError> conflict_in_pod(const PodInside& inside, const PodSpec& spec);

struct PodSetting {
  std::string what;  // "IPv6 on eth0"
  std::string path;  // as write_sysctl() takes it
  std::string value;
};
struct PodStep {
  std::string what;  // "address 10.0.1.52"
  NetlinkMessage message;
};
// What is missing: the settings come first, then the steps in their order. `inside.link` must be
// there.
std::vector<PodSetting> missing_settings(const PodInside& inside, const PodSpec& spec);
std::vector<PodStep> missing_steps(const PodInside& inside, const PodSpec& spec,
                                   const Endpoint& endpoint);

}  // namespace pellicle
