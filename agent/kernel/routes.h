// Pellicle's routes, including those that only the ledger identifies.
#pragma once

#include <span>
#include <vector>

#include "agent/kernel/ledger.h"
#include "agent/kernel/links.h"
#include "agent/kernel/route_codec.h"

namespace pellicle {

std::vector<KernelRoute> read_routes(NetlinkSocket& socket, Family family);  // throws OsError

// Adds the routes of `before` that no longer exist, except the kernel's own and those that the
// model cannot express.
void restore_routes(NetlinkSocket& socket, std::span<const KernelRoute> before, Family family);

// Also removes from the ledger, in memory, the gateway routes that another program deleted: if the
// same route appears again, it is not Pellicle's.
void dump_routes(NetlinkSocket& socket, const Devices& devices, const OwnDevices& own,
                 Ledger& ledger, KernelState& into);

// Saves the ledger before and after changing the kernel. A gateway route in main that already
// exists exactly as wanted becomes Pellicle's.
std::vector<Outcome> apply_routes(NetlinkSocket& socket, const Devices& devices, Ledger& ledger,
                                  std::span<const Change<Route>> changes);

}  // namespace pellicle
