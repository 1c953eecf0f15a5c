// A datapath event as text and as JSON.
#pragma once

#include <cstddef>
#include <string>

#include "agent/model/datapath_event.h"

namespace pellicle::ctl {

// One line, without line end. Times are UTC. Omits the device when the line would exceed `width`;
// 0: no limit.
//   08:05:14.123 marked    tcp 10.0.1.52:45678 > 10.0.0.249:80 74B key 3 lxc0123456789ab
//   08:05:14.124 encrypted esp 10.0.1.138 > 10.0.0.40 154B spi 0x10a00283 cilium_net
//   08:05:14.125 dropped   icmp 10.0.1.52 > 10.0.2.77 98B no_key lxc0123456789ab
std::string monitor_text(const DatapathEvent& event, size_t width = 0);

// One JSON object on one line, without line end; fields that the event lacks are omitted.
std::string monitor_json(const DatapathEvent& event);

}  // namespace pellicle::ctl
