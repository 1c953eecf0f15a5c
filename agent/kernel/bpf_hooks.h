// All that the kernel asks on a hook of ours, also what others have there, in its order.
#pragma once

#include <optional>
#include <vector>

#include "agent/kernel/bpf_tc.h"
#include "agent/kernel/netlink_socket.h"
#include "agent/model/hook.h"
#include "agent/model/objects.h"

namespace pellicle {

// A filter as a dump of a hook's filters has it, without what the kernel knows of its program. None
// for what is no filter that is asked: the head of a priority's eBPF filters, another chain's.
std::optional<HookEntry> decode_filter(const nlmsghdr& message);

// One dump of filters, and one question for tcx programs. The device has no name in it. Throws
// OsError.
Hook read_hook(NetlinkSocket& socket, const TcHook& place);
// Hooks of devices that have gone are left out. Throws OsError.
std::vector<Hook> read_hooks(NetlinkSocket& socket, const std::vector<Attachment::Key>& hooks);

}  // namespace pellicle
