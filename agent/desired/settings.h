// The settings of the kernel that the datapath depends on: all of them, in one table.
#pragma once

#include <array>
#include <string>

#include "agent/model/inputs.h"
#include "agent/model/kernel_state.h"

namespace pellicle {

// The devices that a setting is for, several of them or'ed.
enum On : unsigned {
  kOnHost = 1,         // cilium_host
  kOnNet = 2,          // cilium_net
  kOnUplink = 4,       // each device that a peer is reached by
  kOnPods = 8,         // each lxc device of a pod that has the family
  kOnAdvertised = 16,  // each device that routers advertise to
  kOnAll = 32,         // "all": by the kernel's rules beside, above or in place of a device's own
};

struct Setting {
  Family family;
  const char* name;
  const char* value;
  unsigned set;  // where the agent sets it; `pellicle cleanup` gives back what was there
};

// Others were tried with every value (6.1) and change nothing: disable_policy of all devices,
// net.core.xfrm_larval_drop, net.ipv4.fwmark_reflect; and src_valid_mark does not, with
// accept_local. How full the table of connections is, conntrack_room.h knows.
inline constexpr std::array kSettings = {
    // Else packets that came by another way than their answers go are dropped. The greater of a
    // device's own and of that of "all" counts.
    Setting{Family::v4, "rp_filter", "0", kOnHost | kOnNet | kOnUplink | kOnPods | kOnAll},
    // Writing net.ipv4.ip_forward, even the same value, writes that of each device.
    Setting{Family::v4, "forwarding", "1", kOnHost | kOnNet | kOnUplink | kOnPods},
    // cilium_net: ESP that cilium_host hands over comes from an address of this node. Pods: where
    // src_valid_mark is set (Tailscale and wg-quick set it for all devices) a source is looked up
    // with the packet's mark, and table 200 has the pods' own addresses as local ones.
    Setting{Family::v4, "accept_local", "1", kOnNet | kOnPods},
    // With a device's own or that of "all" at 1, policies decide nothing about what leaves there.
    Setting{Family::v4, "disable_xfrm", "0", kOnHost | kOnUplink | kOnAll},
    // Set before forwarding, which takes a router's routes away where this is 1.
    Setting{Family::v6, "accept_ra", "2", kOnAdvertised},
    // That of "all" counts besides (ip6_forward).
    Setting{Family::v6, "forwarding", "1", kOnHost | kOnNet | kOnUplink | kOnPods | kOnAll},
};

// "net/ipv4/conf/eth0/rp_filter". A device name stands in it as it is, dots and all.
std::string setting_path(const Setting& setting, const std::string& device);

// All of one family that are set on such a device.
void set_for(unsigned on, Family family, const std::string& device, Table<Sysctl>& table);

// What the agent sets a file to wherever it does; none for a file that is not its.
std::optional<Sysctl> setting_of(const std::string& path);

}  // namespace pellicle
