// Pellicle's routing rules, and the priorities of `lookup local`.
#pragma once

#include <span>
#include <vector>

#include "agent/kernel/netlink_socket.h"
#include "agent/model/kernel_state.h"
#include "agent/reconcile/plan.h"

namespace pellicle {

void dump_rules(NetlinkSocket& socket, KernelState& into);  // rules and local_rules; throws OsError
std::vector<Outcome> apply_rules(NetlinkSocket& socket, std::span<const Change<Rule>> changes);
std::vector<Outcome> apply_local_rules(NetlinkSocket& socket,
                                       std::span<const Change<LocalRule>> changes);

}  // namespace pellicle
