// kube-proxy's nftables mode.
#pragma once

#include <string>

#include "tests/harness/lab/kube_proxy/service.h"

namespace pellicle::lab {

// The input of `nft -f`, one transaction: the table `kube-proxy` of the node's family as kube-proxy
// 1.36 leaves it, in place of the one that is there.
std::string nftables_mode(const ProxiedNode& node);

}  // namespace pellicle::lab
