// Finds the devices that shape pods' traffic: tc filters of other programs redirect the ingress of
// a pod's device to them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "agent/kernel/netlink_socket.h"

namespace pellicle {

// For each device with an `ingress` qdisc, which excludes clsact, the device that a filter there
// redirects to; 0: no filter redirects. Keys and values are interface indexes. Throws OsError.
std::map<int, int> shaping_devices(NetlinkSocket& socket);

// The interface index that a filter of a dump redirects to; nullopt: it does not redirect. Decodes
// only u32 and matchall, which shapers use, with their first action.
std::optional<int> decode_redirect(const nlmsghdr& message);

}  // namespace pellicle
