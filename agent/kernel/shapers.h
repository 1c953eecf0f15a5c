// Who shapes what a pod sends: the devices that others' filters redirect a device's ingress to.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "agent/kernel/netlink_socket.h"

namespace pellicle {

// By device, those whose ingress hook has the qdisc `ingress`, which excludes clsact: the device
// that a filter there redirects to; 0: none does. Throws OsError.
std::map<int, int> shaping_devices(NetlinkSocket& socket);

// The device that a filter, as the kernel tells of it, redirects to; none: it does not. Of u32 and
// matchall, which shapers use, each with one action.
std::optional<int> decode_redirect(const nlmsghdr& message);

}  // namespace pellicle
