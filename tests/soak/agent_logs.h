// Log lines of agents that are errors without an explanation.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/soak/ledger.h"

namespace pellicle::soak {

// Removes an earlier run's logs from this directory: agents append to them.
void forget_logs(const std::string& directory);

// Pairs of node and line, from <node>-agent.log in this directory: lines of level error that the
// ledger does not explain, and lines that are not log entries (from std::terminate).
std::vector<std::pair<std::string, std::string>> complaints(const std::string& directory,
                                                            const Ledger& ledger);

}  // namespace pellicle::soak
