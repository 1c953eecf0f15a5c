// Addresses on Pellicle's own devices.
#pragma once

#include <span>
#include <vector>

#include "agent/kernel/links.h"

namespace pellicle {

std::vector<LinkAddress> read_addresses(NetlinkSocket& socket);  // of all devices; throws OsError

void dump_addresses(std::span<const LinkAddress> addresses, const Devices& devices,
                    const OwnDevices& own, KernelState& into);
std::vector<Outcome> apply_addresses(NetlinkSocket& socket, const Devices& devices,
                                     std::span<const Change<Address>> changes);

}  // namespace pellicle
