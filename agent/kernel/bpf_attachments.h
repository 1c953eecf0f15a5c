// Programs of ours on devices. Each is in one of two places of its hook: a clsact filter, which all
// kernels have and every version of the agent knows, or, once that has another program ahead of it
// and the kernel has tcx, the first of the tcx programs.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "agent/kernel/bpf_maps.h"
#include "agent/kernel/netlink_socket.h"
#include "agent/model/kernel_state.h"
#include "agent/reconcile/plan.h"

namespace pellicle {

using DeviceNames = std::map<uint32_t, std::string>;  // by number

// Throws OsError.
void dump_attachments(NetlinkSocket& socket, const BpfMaps& pinned, const DeviceNames& names,
                      KernelState& into);

// Puts the program on its hook, in place of the one of ours that is there. No packet is received
// without one of the two, and none is judged by both. Throws OsError, whose sentence names the
// change.
void attach(NetlinkSocket& socket, const Change<Attachment>& change, int program_fd);
// Absent is success. The clsact hooks go with the last filter. Throws OsError.
void detach(NetlinkSocket& socket, const Change<Attachment>& change);

}  // namespace pellicle
