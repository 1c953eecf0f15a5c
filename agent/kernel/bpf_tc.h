// eBPF programs as tc filters: the clsact hooks of a device, and Pellicle's filter on each hook.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/kernel/netlink_socket.h"

namespace pellicle {

// Priority and handle of Pellicle's filter on a hook. A lower priority runs first; the kernel
// numbers filters without a given priority from 49152 downwards. The handle spells "Pell"; no other
// program uses it.
inline constexpr uint16_t kFilterPriority = 1;
inline constexpr uint32_t kFilterHandle = 0x50656c6c;

struct TcHook {
  uint32_t ifindex = 0;
  bool ingress = true;
};

// Interface indexes of the devices in the socket's network namespace that have a clsact or ingress
// qdisc. Throws OsError.
std::vector<uint32_t> devices_with_hooks(NetlinkSocket& socket);

// The program id of the filter at Pellicle's priority and handle, for each hook; nullopt when there
// is no such filter or device. One system call serves many hooks. Throws OsError.
std::vector<std::optional<uint32_t>> programs_in_place(NetlinkSocket& socket,
                                                       std::span<const TcHook> hooks);

// Request for a dump of all filters on a hook. The kernel lists them in the order in which they
// run.
NetlinkMessage filters_request(const TcHook& hook);

Outcome make_hooks(NetlinkSocket& socket, uint32_t ifindex);  // succeeds when they exist
// Replaces the filter at Pellicle's priority and handle atomically: every packet meets the old or
// the new program.
Outcome attach_program(NetlinkSocket& socket, const TcHook& hook, int program_fd,
                       const std::string& name);
Outcome detach_program(NetlinkSocket& socket, const TcHook& hook);  // succeeds when absent
bool hooks_are_empty(NetlinkSocket& socket, uint32_t ifindex);      // no filter, of any owner
Outcome remove_hooks(NetlinkSocket& socket, uint32_t ifindex);      // succeeds when absent

}  // namespace pellicle
