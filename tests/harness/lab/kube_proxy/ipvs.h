// kube-proxy's IPVS mode.
#pragma once

#include <string>

#include "tests/harness/lab/kube_proxy/iptables.h"

namespace pellicle::lab {

// A script for `sh` on the node that sets up what the mode needs besides rules, and replaces an
// earlier run's: the ClusterIPs on the device kube-ipvs0, which stays down; the sets that its rules
// match; virtual servers for the ClusterIPs, and for the NodePorts at the node's address.
std::string ipvs_script(const ProxiedNode& node);

IptablesInput ipvs_mode(const ProxiedNode& node);

}  // namespace pellicle::lab
