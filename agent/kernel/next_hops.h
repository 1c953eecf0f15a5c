// Asks the kernel how this host reaches other addresses.
#pragma once

#include <map>
#include <vector>

#include "agent/kernel/links.h"
#include "agent/model/inputs.h"

namespace pellicle {

// For packets without a mark, through all rules and tables. Of a multipath route it is the next hop
// that the kernel uses for these two addresses. By destination. Throws OsError.
std::map<IpAddress, NextHop> read_next_hops(NetlinkSocket& socket, const Devices& devices,
                                            const std::vector<NextHopQuestion>& questions);

}  // namespace pellicle
