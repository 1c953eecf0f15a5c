// Routes of ours, those that the ledger knows among them.
#pragma once

#include <span>
#include <vector>

#include "agent/kernel/ledger.h"
#include "agent/kernel/links.h"
#include "agent/kernel/route_codec.h"

namespace pellicle {

std::vector<KernelRoute> read_routes(NetlinkSocket& socket, Family family);  // throws OsError

// Puts back those of `before` that nobody asked to lose and that are no longer there.
void restore_routes(NetlinkSocket& socket, std::span<const KernelRoute> before, Family family);

// Also drops from the ledger, in memory, the gateway routes that somebody deleted: should the same
// one come again it is not ours.
void dump_routes(NetlinkSocket& socket, const Devices& devices, const OwnDevices& own,
                 Ledger& ledger, KernelState& into);

// The ledger is written before the kernel is changed, and after. A gateway route in main that is
// there already, exactly as wanted, becomes ours.
std::vector<Outcome> apply_routes(NetlinkSocket& socket, const Devices& devices, Ledger& ledger,
                                  std::span<const Change<Route>> changes);

}  // namespace pellicle
