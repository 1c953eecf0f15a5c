// How this host itself reaches other addresses, by the kernel's word.
#pragma once

#include <map>
#include <vector>

#include "agent/kernel/links.h"
#include "agent/model/inputs.h"

namespace pellicle {

// Of packets without a mark, by all rules and tables. One of several equal ways is the one that the
// kernel takes for these two addresses. Throws OsError.
std::map<IpAddress, NextHop> read_next_hops(NetlinkSocket& socket, const Devices& devices,
                                            const std::vector<NextHopQuestion>& questions);

}  // namespace pellicle
