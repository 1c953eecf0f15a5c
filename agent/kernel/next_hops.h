// Asks the kernel how this host reaches other addresses.
#pragma once

#include <map>
#include <vector>

#include "agent/kernel/links.h"
#include "agent/model/inputs.h"

namespace pellicle {

// The next hop of packets without a mark, by all rules and tables. Of a multipath route it is the
// one that the kernel uses for the question's two addresses. Keyed by destination. Throws OsError.
std::map<IpAddress, NextHop> read_next_hops(NetlinkSocket& socket, const Devices& devices,
                                            const std::vector<NextHopQuestion>& questions);

}  // namespace pellicle
