// Reads the eBPF side of the kernel state.
#pragma once

#include "agent/kernel/bpf_maps.h"
#include "agent/kernel/bpf_programs.h"
#include "agent/kernel/netlink_socket.h"
#include "agent/model/kernel_state.h"

namespace pellicle {

// Reads the contents of the pinned maps, and Pellicle's programs on the devices of the socket's
// network namespace. Creates nothing. Throws OsError.
void dump_bpf(NetlinkSocket& socket, const BpfMaps& pinned, KernelState& into);

}  // namespace pellicle
