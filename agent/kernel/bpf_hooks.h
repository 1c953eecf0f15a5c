// All programs and filters on a hook, other owners' included, in the order in which they run.
#pragma once

#include <optional>
#include <vector>

#include "agent/kernel/bpf_tc.h"
#include "agent/kernel/netlink_socket.h"
#include "agent/model/hook.h"
#include "agent/model/objects.h"

namespace pellicle {

// Decodes one message of a filter dump, without what only the program's own info has. nullopt for
// messages that are no filter that runs: the head of a priority's eBPF filters, or a filter of
// another chain.
std::optional<HookEntry> decode_filter(const nlmsghdr& message);

// Costs one dump of filters and one query of tcx programs. Leaves `dev` empty. Throws OsError.
Hook read_hook(NetlinkSocket& socket, const TcHook& place);
// Skips devices that no longer exist. Throws OsError.
std::vector<Hook> read_hooks(NetlinkSocket& socket, const std::vector<Attachment::Key>& hooks);

}  // namespace pellicle
