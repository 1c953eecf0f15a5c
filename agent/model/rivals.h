// Which Nodes claim something that another Node claims as well.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "agent/model/node.h"

namespace pellicle {

// The Nodes with a PodCIDR or InternalIP that overlaps one of another Node.
std::set<std::string> rivals(const std::vector<const Node*>& nodes);

}  // namespace pellicle
