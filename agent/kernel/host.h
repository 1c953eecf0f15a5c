// What this host is: the facts that a pass begins with.
#pragma once

#include "agent/kernel/ledger.h"
#include "agent/kernel/links.h"
#include "agent/kernel/netlink_socket.h"
#include "agent/model/inputs.h"

namespace pellicle {

// All but the program tags. The ledger says which devices were told to go on listening to routers.
// Throws OsError.
HostFacts read_host(NetlinkSocket& socket, const OwnDevices& own, const Ledger& ledger);

}  // namespace pellicle
