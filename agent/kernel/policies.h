// XFRM policies of ours, the block policy among them.
#pragma once

#include <span>
#include <vector>

#include "agent/kernel/netlink_socket.h"
#include "agent/model/kernel_state.h"
#include "agent/reconcile/plan.h"

namespace pellicle {

void dump_policies(NetlinkSocket& socket, KernelState& into);  // both policy tables
std::vector<Outcome> apply_policies(NetlinkSocket& socket, std::span<const Change<Policy>> changes);

}  // namespace pellicle
