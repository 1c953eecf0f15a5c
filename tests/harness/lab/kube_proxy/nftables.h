// kube-proxy's nftables mode.
#pragma once

#include <string>

#include "tests/harness/lab/kube_proxy/service.h"

namespace pellicle::lab {

// The input of `nft -f`, one transaction: replaces the table `kube-proxy` of the node's family with
// what kube-proxy 1.36 writes.
std::string nftables_mode(const ProxiedNode& node);

}  // namespace pellicle::lab
