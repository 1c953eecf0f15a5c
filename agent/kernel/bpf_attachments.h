// Pellicle's programs on devices. Each is in one of two places of its hook. Normally it is a clsact
// filter, which all kernels have and every version of the agent knows. Once another program runs
// ahead of that filter and the kernel has tcx, it becomes the first tcx program.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "agent/kernel/bpf_maps.h"
#include "agent/kernel/netlink_socket.h"
#include "agent/model/kernel_state.h"
#include "agent/reconcile/plan.h"

namespace pellicle {

using DeviceNames = std::map<uint32_t, std::string>;  // by interface index

// Throws OsError.
void dump_attachments(NetlinkSocket& socket, const BpfMaps& pinned, const DeviceNames& names,
                      KernelState& into);

// Attaches the program to its hook, replacing Pellicle's program there. Every packet meets exactly
// one of the two. Throws OsError, whose sentence names the change.
void attach(NetlinkSocket& socket, const Change<Attachment>& change, int program_fd);
// Succeeds when there is no program. Removes the clsact qdisc with its last filter. Throws OsError.
void detach(NetlinkSocket& socket, const Change<Attachment>& change);

}  // namespace pellicle
