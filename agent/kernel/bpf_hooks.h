// All that the kernel asks on a hook of ours, also what others have there, in its order.
#pragma once

#include <optional>
#include <vector>

#include "agent/kernel/netlink_socket.h"
#include "agent/model/hook.h"
#include "agent/model/objects.h"

namespace pellicle {

// A filter as a dump of a hook's filters has it, without what the kernel knows of its program. None
// for what is no filter that is asked: the head of a priority's eBPF filters, another chain's.
std::optional<HookEntry> decode_filter(const nlmsghdr& message);

// Hooks of devices that have gone are left out. One dump of filters each, and one question for tcx
// programs where the kernel has them. Throws OsError.
std::vector<Hook> read_hooks(NetlinkSocket& socket, const std::vector<Attachment::Key>& hooks);

}  // namespace pellicle
