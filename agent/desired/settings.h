// The kernel settings that the datapath depends on, all in one table.
#pragma once

#include <array>
#include <string>

#include "agent/model/inputs.h"
#include "agent/model/kernel_state.h"

namespace pellicle {

// The devices on which a setting is set; flags may be combined.
enum On : unsigned {
  kOnHost = 1,         // cilium_host
  kOnNet = 2,          // cilium_net
  kOnUplink = 4,       // each device by which a peer is reached
  kOnPods = 8,         // each lxc device of a pod with an address of the family
  kOnAdvertised = 16,  // each device that receives router advertisements
  kOnAll = 32,  // "all": the kernel applies it with, above or instead of a device's own value
};

struct Setting {
  Family family;
  const char* name;
  const char* value;
  unsigned set;  // where the agent sets it; `pellicle cleanup` restores the previous value
};

// Tried with every value (6.1) and without effect: disable_policy of all devices,
// net.core.xfrm_larval_drop, net.ipv4.fwmark_reflect and, with accept_local, src_valid_mark. For
// the fill level of the conntrack table see conntrack_room.h.
inline constexpr std::array kSettings = {
    // Otherwise packets whose answers take another path are dropped. The greater of a device's
    // value and that of "all" applies.
    Setting{Family::v4, "rp_filter", "0", kOnHost | kOnNet | kOnUplink | kOnPods | kOnAll},
    // Writing net.ipv4.ip_forward, even the same value, overwrites each device's value.
    Setting{Family::v4, "forwarding", "1", kOnHost | kOnNet | kOnUplink | kOnPods},
    // cilium_net: ESP from cilium_host has a source address of this node. Pods: if src_valid_mark
    // is set (Tailscale and wg-quick set it for all devices), the source is looked up with the
    // packet's mark, and table 200 has the pods' addresses as local ones.
    Setting{Family::v4, "accept_local", "1", kOnNet | kOnPods},
    // If a device's value or that of "all" is 1, no policy applies to packets that leave there.
    Setting{Family::v4, "disable_xfrm", "0", kOnHost | kOnUplink | kOnAll},
    // Set before forwarding, which removes a router's routes where this is 1.
    Setting{Family::v6, "accept_ra", "2", kOnAdvertised},
    // The value of "all" counts too (ip6_forward).
    Setting{Family::v6, "forwarding", "1", kOnHost | kOnNet | kOnUplink | kOnPods | kOnAll},
};

// "net/ipv4/conf/eth0/rp_filter". A device name stays as it is, including dots.
std::string setting_path(const Setting& setting, const std::string& device);

// Adds all settings of one family that apply to such a device.
void set_for(unsigned on, Family family, const std::string& device, Table<Sysctl>& table);

// The value that the agent sets in a file; nullopt for a file that it does not set.
std::optional<Sysctl> setting_of(const std::string& path);

}  // namespace pellicle
