// The node's network: the device towards the other nodes, and who else works on it. Judging is
// pure; agent/kernel reads.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/kernel/others.h"
#include "agent/preflight/finding.h"
#include "agent/preflight/processes.h"

namespace pellicle {

// The device of the default route of the calling thread's network namespace, IPv4's first; empty:
// there is none.
std::string default_device();
std::string parse_default_device(const std::string& route);    // of /proc/net/route
std::string parse_default_device6(const std::string& routes);  // of /proc/net/ipv6_route

// `named`: the setting `uplink`, or empty; `by_route`: default_device().
Finding judge_uplink(const std::string& named, const std::string& by_route,
                     const std::vector<NetworkDevice>& devices);

// `files`: what others have in the folder of CNI configurations.
Finding judge_cni(const std::string& folder, const std::vector<std::string>& files);

// Devices and daemons of other CNI plugins. `programmed`: an agent of ours has been here, so that
// cilium_host is ours.
Findings judge_other_networks(const std::vector<NetworkDevice>& devices, const Processes& processes,
                              bool programmed);

// `xfrm`: none where it cannot be asked, and then `obstacle` says why; or where XFRM is not loaded,
// and then it is empty.
Finding judge_xfrm(const std::optional<OthersXfrm>& xfrm, const std::string& obstacle,
                   const Processes& processes);

}  // namespace pellicle
