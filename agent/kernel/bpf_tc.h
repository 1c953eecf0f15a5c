// Programs on devices: the clsact hooks and the one place on each that is ours.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/kernel/netlink_socket.h"

namespace pellicle {

// Our place on a hook. A low number runs before other people's filters, which number from 49152
// downwards; the handle spells "Pell" and is asked for by nobody else.
inline constexpr uint16_t kFilterPriority = 1;
inline constexpr uint32_t kFilterHandle = 0x50656c6c;

struct TcHook {
  uint32_t ifindex = 0;
  bool ingress = true;
};

// Devices of the socket's network namespace that have the hooks at all. Throws OsError.
std::vector<uint32_t> devices_with_hooks(NetlinkSocket& socket);

// The eBPF program in our place of each hook, by its kernel id; none where the place is empty or
// the device has gone. One system call for many hooks. Throws OsError.
std::vector<std::optional<uint32_t>> programs_in_place(NetlinkSocket& socket,
                                                       std::span<const TcHook> hooks);

// For a dump of all filters on a hook; they come in the order in which the kernel asks them.
NetlinkMessage filters_request(const TcHook& hook);

Outcome make_hooks(NetlinkSocket& socket, uint32_t ifindex);  // there already is success
// Takes our place over from whatever program is there, in one step: no packet runs without one.
Outcome attach_program(NetlinkSocket& socket, const TcHook& hook, int program_fd,
                       const std::string& name);
Outcome detach_program(NetlinkSocket& socket, const TcHook& hook);  // absent is success
bool hooks_are_empty(NetlinkSocket& socket, uint32_t ifindex);      // nobody's filter on either
Outcome remove_hooks(NetlinkSocket& socket, uint32_t ifindex);      // absent is success

}  // namespace pellicle
