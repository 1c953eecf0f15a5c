// Pellicle's XFRM policies, including the block policy.
#pragma once

#include <span>
#include <vector>

#include "agent/kernel/netlink_socket.h"
#include "agent/model/kernel_state.h"
#include "agent/reconcile/plan.h"

namespace pellicle {

void dump_policies(NetlinkSocket& socket, KernelState& into);  // policies and block_policies
std::vector<Outcome> apply_policies(NetlinkSocket& socket, std::span<const Change<Policy>> changes);

}  // namespace pellicle
