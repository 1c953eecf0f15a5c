// Reads the facts about this host that a pass starts with.
#pragma once

#include "agent/kernel/ledger.h"
#include "agent/kernel/links.h"
#include "agent/kernel/netlink_socket.h"
#include "agent/model/inputs.h"

namespace pellicle {

// Reads all facts except the program tags. The ledger lists the devices on which the agent set
// accept_ra so that the kernel keeps accepting router advertisements. Throws OsError.
HostFacts read_host(NetlinkSocket& socket, const OwnDevices& own, const Ledger& ledger);

}  // namespace pellicle
