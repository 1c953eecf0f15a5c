// kube-proxy's IPVS mode.
#pragma once

#include <string>

#include "tests/harness/lab/kube_proxy/iptables.h"

namespace pellicle::lab {

// What it brings about besides rules, for `sh` in the node, in place of what an earlier one did:
// the ClusterIPs on the device kube-ipvs0, which stays down; the sets that its rules match; virtual
// servers for the ClusterIPs, and at the node's address for the NodePorts.
std::string ipvs_script(const ProxiedNode& node);

IptablesInput ipvs_mode(const ProxiedNode& node);

}  // namespace pellicle::lab
