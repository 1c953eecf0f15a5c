// Sysctls of ours: those whose former value is in the ledger.
#pragma once

#include <span>
#include <vector>

#include "agent/kernel/ledger.h"
#include "agent/kernel/netlink_socket.h"
#include "agent/model/kernel_state.h"
#include "agent/reconcile/plan.h"

namespace pellicle {

// A recorded file that has gone with its device has an empty value, so that the next plan forgets
// it.
void dump_sysctls(const Ledger& ledger, KernelState& into);
std::vector<Outcome> apply_sysctls(Ledger& ledger, std::span<const Change<Sysctl>> changes);

}  // namespace pellicle
