// Sysctls of ours: those whose former value is in the ledger.
#pragma once

#include <span>
#include <vector>

#include "agent/kernel/ledger.h"
#include "agent/kernel/links.h"
#include "agent/kernel/netlink_socket.h"
#include "agent/model/kernel_state.h"
#include "agent/reconcile/plan.h"

namespace pellicle {

// Both let the ledger follow devices first: what one had before us is under the name it has now,
// and forgotten with it. A recorded file that has gone otherwise has an empty value, so that the
// next plan forgets it.
void dump_sysctls(Ledger& ledger, const Devices& devices, KernelState& into);
std::vector<Outcome> apply_sysctls(Ledger& ledger, const Devices& devices,
                                   std::span<const Change<Sysctl>> changes);

}  // namespace pellicle
