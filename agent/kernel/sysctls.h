// The sysctls that the agent changed: those whose original value is in the ledger.
#pragma once

#include <span>
#include <vector>

#include "agent/kernel/ledger.h"
#include "agent/kernel/links.h"
#include "agent/kernel/netlink_socket.h"
#include "agent/model/kernel_state.h"
#include "agent/reconcile/plan.h"

namespace pellicle {

// Both functions first update the ledger for renamed and removed devices: original values move to
// the device's current name, and are dropped with the device. A recorded file that is missing for
// another reason has an empty value in the dump, so that the next plan drops it.
void dump_sysctls(Ledger& ledger, const Devices& devices, KernelState& into);
std::vector<Outcome> apply_sysctls(Ledger& ledger, const Devices& devices,
                                   std::span<const Change<Sysctl>> changes);

}  // namespace pellicle
