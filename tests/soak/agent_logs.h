// What agents say that they must not, or that needs a reason.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/soak/ledger.h"

namespace pellicle::soak {

// Agents append to what an earlier run left in this directory: it goes.
void forget_logs(const std::string& directory);

// By node, the lines of <node>-agent.log in this directory that are of level error and nothing
// that was done to the node then explains, and every line that is none of its log
// (std::terminate's).
std::vector<std::pair<std::string, std::string>> complaints(const std::string& directory,
                                                            const Ledger& ledger);

}  // namespace pellicle::soak
