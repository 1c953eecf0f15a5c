// A node's whole network configuration as a list, to find foreign objects that were changed and own
// objects that were left behind.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "tests/harness/lab/node_agent.h"

namespace pellicle::lab {

// "route: 10.0.0.0/24 via 172.18.0.4 dev eth0": rules, routes of all tables, XFRM, devices and
// addresses, tc, iptables, sysctls, pinned eBPF objects and the agent's files. Without what changes
// by itself: counters, indexes, replay contexts. Keys are replaced by <key>.
using Listing = std::multiset<std::string>;

Listing node_listing(const std::string& netns, const NodeAgent& agent);

// The items of `these` that `those` lacks.
std::vector<std::string> missing(const Listing& these, const Listing& those);

}  // namespace pellicle::lab
